"""Members of many cities, for the map."""

from tests.support.databases import Sql

CLEAR = "DELETE FROM memberships; DELETE FROM rooms"
# The largest city has most members, in all clusters, and the last ones have a few in some; every
# fourth city has members in one cluster only.
FILL = """
    WITH towns AS (
        SELECT id, row_number() OVER (ORDER BY population DESC, id) AS rank FROM cities
        WHERE listed AND kind = 'city' AND {condition}
        ORDER BY population DESC, id LIMIT %(towns)s
    ), opened AS (
        INSERT INTO rooms (city_id, cluster_id)
        SELECT towns.id, clusters.id FROM towns CROSS JOIN clusters
        WHERE CASE WHEN rank %% 4 = 0 THEN clusters.id = rank / 4 %% 4 + 1
            ELSE rank <= 20 OR (rank + clusters.id) %% 3 < 2 END
        ORDER BY 1, 2
        RETURNING id, city_id, cluster_id
    )
    INSERT INTO memberships
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    SELECT format('mapped-%%s-%%s', opened.id, number), city_id, opened.id, '{{drinks}}',
        (SELECT model_id FROM clusters LIMIT 1), now(), now(), now()
    FROM opened JOIN towns ON towns.id = city_id
    CROSS JOIN LATERAL generate_series(1, greatest(1, 200 / rank)) AS number
"""
LARGEST = """
    SELECT cities.name FROM memberships JOIN cities ON cities.id = city_id
    GROUP BY cities.id ORDER BY count(*) DESC, cities.id LIMIT %(count)s
"""


def fill_map(sql: Sql, towns: int, condition: str = "true") -> None:
    """Put members into the largest cities that a condition selects, and only there."""
    sql(CLEAR)
    add_to_map(sql, towns, condition)


def add_to_map(sql: Sql, towns: int, condition: str) -> None:
    """Put members into more cities."""
    sql(FILL.format(condition=condition), {"towns": towns})
    # Autovacuum would do so soon; until then the planner believes the tables are empty.
    sql("ANALYZE memberships, rooms")


def largest_cities(sql: Sql, count: int = 10) -> list[str]:
    """Return the names of the cities with most members."""
    return [name for (name,) in sql(LARGEST, {"count": count})]
