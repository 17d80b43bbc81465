"""Settings that each release writes for the views: the smallest group shown, interests' names."""

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.domain.analytics.tables import AnalyticsSettings, Interest
from app.infra.database import Database
from model.interests import load_interests

# `db upgrade 0006` stops at a schema without this table.
TABLE_EXISTS = text("SELECT to_regclass('analytics_settings') IS NOT NULL")
# A publication holds the row of settings; no request needs it.
WAIT_FOR_PUBLICATION = text("SET LOCAL lock_timeout = 0")


def write_settings(database: Database, min_group: int) -> None:
    """Write the settings and names that changed. Raises DatabaseUnavailable.

    Interests that were removed from the model keep their names: members may have selected them.
    """
    settings = insert(AnalyticsSettings).values(id=1, min_group=min_group)
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
        if not connection.scalar(TABLE_EXISTS):
            return
        if connection.scalar(select(AnalyticsSettings.min_group)) != min_group:
            connection.execute(WAIT_FOR_PUBLICATION)
            connection.execute(
                settings.on_conflict_do_update(
                    index_elements=[AnalyticsSettings.id], set_={"min_group": min_group}
                )
            )
        connection.execute(names.on_conflict_do_update(index_elements=[Interest.key], set_=latest))
