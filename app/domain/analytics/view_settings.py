"""What a release tells the views: how small a group may be shown, and what interests are called."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.domain.analytics.tables import AnalyticsSettings, Interest
from app.infra.database import Database
from model.interests import load_interests

# A schema of before the views has none: `db upgrade 0006`.
IS_THERE = text("SELECT to_regclass('analytics_settings') IS NOT NULL")


def publish(database: Database, min_group: int) -> None:
    """Write both, where they are not so already. Names of interests that are gone stay: people
    may have ticked them.

    Raises DatabaseUnavailable.
    """
    number = insert(AnalyticsSettings).values(id=1, min_group=min_group)
    names = insert(Interest).values(
        [
            {
                "key": interest.key,
                "interest_group": interest.group,
                "label_es": interest.labels["es"],
                "label_en": interest.labels["en"],
            }
            for interest in load_interests()
        ]
    )
    latest = {name: names.excluded[name] for name in ("interest_group", "label_es", "label_en")}
    with database.transaction() as connection:
        if not connection.scalar(IS_THERE):
            return
        connection.execute(
            number.on_conflict_do_update(
                index_elements=[AnalyticsSettings.id],
                set_={"min_group": min_group},
                where=AnalyticsSettings.min_group.is_distinct_from(min_group),
            )
        )
        connection.execute(names.on_conflict_do_update(index_elements=[Interest.key], set_=latest))
