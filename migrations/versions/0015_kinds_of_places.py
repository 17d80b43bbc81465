"""Kinds of places: cities, areas, and the one place of people without a place."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TABLE = "Cities: GeoNames places of 5,000 people and more, and places typed by users."
TABLE_BEFORE = "Cities: GeoNames places of 5,000 people and more, and those typed by users."
CITY_HOSTS = """
    CREATE OR REPLACE VIEW city_hosts AS
    SELECT city.id AS city_id, town.id AS town_id, coalesce(town.hub_id, town.id) AS host_id,
           town.name, town.country_code, town.region, town.population, town.listed, town.kind
    FROM cities AS city
    JOIN cities AS town ON town.id = coalesce(city.merged_into, city.id)
"""
# A view loses a column only if it is created again.
CITY_HOSTS_BEFORE = """
    CREATE VIEW city_hosts AS
    SELECT city.id AS city_id, town.id AS town_id, coalesce(town.hub_id, town.id) AS host_id,
           town.name, town.country_code, town.region, town.population, town.listed
    FROM cities AS city
    JOIN cities AS town ON town.id = coalesce(city.merged_into, city.id)
"""
VIEW_COMMENT = "Each city with its pointers resolved: first merged_into, then hub_id."
VIEW_COLUMNS = {
    "city_id": "A city, merged or not.",
    "town_id": "The city itself, or the one it was merged into.",
    "host_id": "The city whose rooms the town uses: its hub, or the town itself.",
    "name": "Name of the town.",
    "country_code": "Country of the town: ISO 3166-1 alpha-2 (XK for Kosovo).",
    "region": "Region of the town.",
    "population": "Population of the town, by GeoNames.",
    "listed": "True: the town is in GeoNames. False: a user typed it.",
}
# The key of an area is its code, which no folded name equals: folding leaves no capital letter. So
# a downgrade loses nothing, and the release before does not take an area for a name.
RESTORE = """
    UPDATE cities SET area_code = name_key,
        kind = CASE WHEN country_code IS NULL THEN 'placeless' ELSE 'area' END
    WHERE NOT listed AND name_key ~ '^[A-Z]'
"""


# Nullable, because the loader of the release before stages its rows in tables like this one, which
# have the NOT NULL but not the default.
def upgrade() -> None:
    op.add_column(
        "cities",
        sa.Column(
            "kind",
            sa.Text(),
            server_default=sa.text("'city'"),
            comment="city; area: a country, region or island; placeless: people without a place.",
        ),
    )
    op.add_column(
        "cities",
        sa.Column(
            "area_code",
            sa.Text(),
            comment="Code of the area, as in place_names, or PLACELESS; null: a city.",
        ),
    )
    op.execute(RESTORE)
    op.create_table_comment("cities", TABLE, existing_comment=TABLE_BEFORE)
    op.execute(CITY_HOSTS)
    op.execute("COMMENT ON COLUMN city_hosts.kind IS 'Kind of the town: city, area or placeless.'")


def downgrade() -> None:
    op.execute("DROP VIEW city_hosts")
    op.execute(CITY_HOSTS_BEFORE)
    op.execute(f"COMMENT ON VIEW city_hosts IS '{VIEW_COMMENT}'")
    for column, comment in VIEW_COLUMNS.items():
        op.execute(f"COMMENT ON COLUMN city_hosts.{column} IS '{comment}'")
    op.drop_column("cities", "area_code")
    op.drop_column("cities", "kind")
    op.create_table_comment("cities", TABLE_BEFORE, existing_comment=TABLE)
