"""Rooms of many (city, cluster) pairs at once, for commands, inside their transaction."""

from collections.abc import Collection

import sqlalchemy
from sqlalchemy import text

from app.db import Conflict

# A city and a cluster; a town and the room that its people of the cluster share.
Pair = tuple[int, int]
Place = tuple[int, int]

PAIRS = """
    FROM unnest(CAST(:cities AS bigint[]), CAST(:clusters AS smallint[])) AS pair (city_id, cluster)
    JOIN cities AS said ON said.id = pair.city_id
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
"""
# No signpost may be set on these towns until the end of the transaction: as when POST /rooms makes
# a room. In the order of ids, so that two commands never wait for each other.
HOLD_TOWNS = text(f"""
    SELECT id FROM cities WHERE id IN (SELECT town.id {PAIRS}) ORDER BY id FOR SHARE
""")
CREATE = text(f"""
    INSERT INTO rooms (city_id, cluster_id)
    SELECT DISTINCT coalesce(town.hub_id, town.id), pair.cluster {PAIRS}
    ORDER BY 1, 2
    ON CONFLICT (city_id, cluster_id) DO NOTHING
""")
FIND = text(f"""
    SELECT pair.city_id, pair.cluster, town.id, rooms.id {PAIRS}
    LEFT JOIN rooms ON rooms.city_id = coalesce(town.hub_id, town.id)
        AND rooms.cluster_id = pair.cluster
""")
COUNT_MISSING = text(f"""
    SELECT count(*) FROM (
        SELECT DISTINCT coalesce(town.hub_id, town.id) AS city_id, pair.cluster {PAIRS}
    ) AS wanted
    LEFT JOIN rooms ON rooms.city_id = wanted.city_id AND rooms.cluster_id = wanted.cluster
    WHERE rooms.id IS NULL
""")


def make_rooms(
    connection: sqlalchemy.Connection, pairs: Collection[Pair]
) -> tuple[int, dict[Pair, Place]]:
    """Make the rooms that are missing, both signposts followed: how many, and each pair's place.

    Raises Conflict when a signpost is being set under it, in which case trying again is right.
    """
    given = _arrays(pairs)
    connection.execute(HOLD_TOWNS, given)
    made = connection.execute(CREATE, given).rowcount
    rooms = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(FIND, given)}
    if any(room is None for _, room in rooms.values()):
        raise Conflict("a signpost was set on a city just now")
    return made, rooms


def count_missing(connection: sqlalchemy.Connection, pairs: Collection[Pair]) -> int:
    """How many rooms `make_rooms` would make."""
    missing: int = connection.execute(COUNT_MISSING, _arrays(pairs)).scalar_one()
    return missing


def _arrays(pairs: Collection[Pair]) -> dict[str, list[int]]:
    return {"cities": [city for city, _ in pairs], "clusters": [cluster for _, cluster in pairs]}
