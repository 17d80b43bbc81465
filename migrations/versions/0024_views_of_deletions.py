"""Views for analysts: published figures of people who were erased."""

from alembic import context, op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    members = context.script.get_revision("0021").module
    periods = context.script.get_revision("0023").module
    create = members.create_view
    month = ("deleted_month", "date", "First day of the month of the erasure, UTC.")
    people = ("members", "bigint", "People who were erased; rounded.")
    create(
        "deletions",
        f"Erased people by month, country and cluster. {members.OTHER} members adds up."
        f" {periods.CLOSED}",
        [
            month,
            periods.COUNTRY,
            (
                "is_other",
                "= stored.country IS NULL OR stored.cluster IS NULL",
                members.IS_OTHER,
            ),
            *members.cluster(),
            people,
        ],
        members.join_cluster(),
        "deleted_month, country, cluster",
        {"country": "text"},
    )
    create(
        "cohort_deletions",
        "Erased people by the months of their erasure and first join."
        f" {members.OTHER} members adds up. {periods.CLOSED}",
        [
            month,
            (
                "joined_month",
                "date",
                "First day of the month of their first join, UTC; null: several.",
            ),
            ("is_other", "= stored.joined_month IS NULL", members.IS_OTHER),
            people,
        ],
    )


def downgrade() -> None:
    for name in ("deletions", "cohort_deletions"):
        op.execute(f"DROP VIEW analytics.{name}")
