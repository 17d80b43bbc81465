"""Creates the rooms of (city, cluster) pairs: of one for a request, of many for a command."""

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy

from app.infra.database import Conflict

# A city and a cluster.
Pair = tuple[int, int]

PAIRS = "unnest(%(cities)s::bigint[], %(clusters)s::smallint[]) AS pair (city_id, cluster)"
# The room belongs to the city's host (see the view city_hosts), read here from locked rows: a merge
# or gather that is setting a pointer on a city is waited for, and its pointer followed. Without the
# lock it would miss this room and strand its members. Where a pointer changed during the wait, the
# pair yields no row and the caller looks again. Creators lock towns in the order of their ids, each
# before the cities merged into it; a deadlock with a merge, which locks both of its cities, is
# retried. FOR SHARE would do, but where each node locks its copy of a row, creators that share the
# locks deadlock.
# ON CONFLICT: of callers that race for a new pair one creates the room, the others find it.
CREATE_ROOMS = f"""
    WITH host AS MATERIALIZED (
        SELECT city.id, coalesce(town.hub_id, town.id) AS host_id
        FROM cities AS city
        JOIN cities AS town ON town.id = coalesce(city.merged_into, city.id)
        WHERE city.id = ANY(%(cities)s::bigint[])
        ORDER BY town.id, city.id
        FOR NO KEY UPDATE OF town, city
    )
    INSERT INTO rooms (city_id, cluster_id)
    SELECT DISTINCT host.host_id, pair.cluster
    FROM {PAIRS}
    JOIN host ON host.id = pair.city_id
    ORDER BY host.host_id, pair.cluster
    ON CONFLICT (city_id, cluster_id) DO NOTHING
    RETURNING id
"""
FIND_ROOMS = f"""
    SELECT pair.city_id, pair.cluster, host.town_id, rooms.id AS room_id
    FROM {PAIRS}
    JOIN city_hosts AS host ON host.city_id = pair.city_id
    LEFT JOIN rooms ON rooms.city_id = host.host_id AND rooms.cluster_id = pair.cluster
"""
COUNT_MISSING = f"""
    SELECT count(*) FROM (
        SELECT DISTINCT host.host_id, pair.cluster
        FROM {PAIRS}
        JOIN city_hosts AS host ON host.city_id = pair.city_id
    ) AS needed
    LEFT JOIN rooms ON rooms.city_id = needed.host_id AND rooms.cluster_id = needed.cluster
    WHERE rooms.id IS NULL
"""


class PairRoom(NamedTuple):
    """The room of a pair, and the town that the pair's city is now."""

    town_id: int
    room_id: int


def create_rooms(
    connection: sqlalchemy.Connection, pairs: Collection[Pair]
) -> tuple[int, dict[Pair, PairRoom]]:
    """Create the missing rooms of pairs; return how many, and the room of each pair.

    A pair whose city was removed, with the last user who had typed it, has none. Raises Conflict
    when a city is being merged or gathered: a retry is right.
    """
    arrays = pair_arrays(pairs)
    created = connection.exec_driver_sql(CREATE_ROOMS, arrays).rowcount
    rooms: dict[Pair, PairRoom] = {}
    for row in connection.exec_driver_sql(FIND_ROOMS, arrays):
        if row.room_id is None:
            raise Conflict("a city was merged or gathered meanwhile")
        rooms[row.city_id, row.cluster] = PairRoom(row.town_id, row.room_id)
    return created, rooms


def count_missing(connection: sqlalchemy.Connection, pairs: Collection[Pair]) -> int:
    """Return how many rooms `create_rooms` would create."""
    missing: int = connection.exec_driver_sql(COUNT_MISSING, pair_arrays(pairs)).scalar_one()
    return missing


def pair_arrays(pairs: Collection[Pair]) -> dict[str, list[int]]:
    """Return pairs as the parameters of PAIRS."""
    return {"cities": [city for city, _ in pairs], "clusters": [cluster for _, cluster in pairs]}
