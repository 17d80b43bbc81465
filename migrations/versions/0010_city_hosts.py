"""View that resolves both pointers of each city: its town, and the host of its rooms."""

from alembic import op

revision = "0010"
down_revision = "0009"

COMMENTS = {
    "city_id": "A city, merged or not.",
    "town_id": "The city itself, or the one it was merged into.",
    "host_id": "The city whose rooms the town uses: its hub, or the town itself.",
    "name": "Name of the town.",
    "country_code": "Country of the town: ISO 3166-1 alpha-2 (XK for Kosovo).",
    "region": "Region of the town.",
    "population": "Population of the town, by GeoNames.",
    "listed": "True: the town is in GeoNames. False: a user typed it.",
}


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW city_hosts AS
        SELECT city.id AS city_id, town.id AS town_id, coalesce(town.hub_id, town.id) AS host_id,
               town.name, town.country_code, town.region, town.population, town.listed
        FROM cities AS city
        JOIN cities AS town ON town.id = coalesce(city.merged_into, city.id)
        """
    )
    op.execute(
        "COMMENT ON VIEW city_hosts IS"
        " 'Each city with its pointers resolved: first merged_into, then hub_id.'"
    )
    for column, comment in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN city_hosts.{column} IS '{comment}'")


def downgrade() -> None:
    op.execute("DROP VIEW city_hosts")
