"""When a place was merged; and 'unknown' for a country that is not known."""

import sqlalchemy as sa
from alembic import context, op

revision = "0018"
down_revision = "0017"

MERGED_AT = "Time of the merge; null: not merged, or before it was kept who said it."
# Each view with the parts that change.
VIEWS = {
    "city_interests": {
        "city.country_code::text AS country": (
            "coalesce(city.country_code::text, 'unknown') AS country"
        )
    },
    "moves": {
        f"{side}_city.country_code::text AS {name}_country": (
            f"CASE WHEN folded.{name}_city IS NULL THEN 'other'"
            f" ELSE coalesce({side}_city.country_code::text, 'unknown') END AS {name}_country"
        )
        for side, name in (("old", "from"), ("new", "to"))
    },
}
COLUMNS = {
    "city_interests.country": "Country of the place, ISO 3166-1 alpha-2{}",
    "moves.from_country": "Its country, ISO 3166-1 alpha-2{}",
    "moves.to_country": "Its country, ISO 3166-1 alpha-2{}",
}
BEFORE = "; null where it is not known."


def upgrade() -> None:
    change_views()
    op.add_column("cities", sa.Column("merged_at", sa.DateTime(timezone=True), comment=MERGED_AT))


def change_views() -> None:
    for name, changes in VIEWS.items():
        sql = sql_before(name)
        for old, new in changes.items():
            assert old in sql, f"{name} has no {old!r}"
            sql = sql.replace(old, new)
        op.execute(f"CREATE OR REPLACE VIEW analytics.{name} WITH (security_barrier) AS {sql}")
    for column, comment in COLUMNS.items():
        other = (
            ", or ''unknown''." if column.startswith("city") else "; or ''other'', or ''unknown''."
        )
        op.execute(f"COMMENT ON COLUMN analytics.{column} IS '{comment.format(other)}'")


def downgrade() -> None:
    op.drop_column("cities", "merged_at")
    for name in VIEWS:
        op.execute(
            f"CREATE OR REPLACE VIEW analytics.{name} WITH (security_barrier) AS {sql_before(name)}"
        )
    for column, comment in COLUMNS.items():
        op.execute(f"COMMENT ON COLUMN analytics.{column} IS '{comment.format(BEFORE)}'")


def sql_before(name: str) -> str:
    kinds = context.script.get_revision("0016").module
    sql: str = kinds.sql_of(name, "0009")
    _, changes = kinds.CHANGES.get(name, ("", {}))
    for old, new in changes.items():
        sql = sql.replace(old, new)
    return sql
