"""Rooms by what is asked of them: pages for HTTP, tables and exports for admins."""

from collections.abc import Iterator
from typing import Any

from app.db import Database
from app.rooms.orders import ORDERS, QUIET_DAYS, QUIET_UNDER, RoomFilter
from app.rooms.service import RoomDetails, details

# The rooms of a city are those of its hub while it is gathered.
CONDITIONS = {
    "city_id": """rooms.city_id = (
        SELECT coalesce(town.hub_id, town.id) FROM cities AS said
        JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
        WHERE said.id = %(city_id)s)""",
    "country": "cities.country_code = %(country)s",
    "cluster": "rooms.cluster_id = %(cluster)s",
    "min_members": "coalesce(counted.members, 0) >= %(min_members)s",
    "max_members": "coalesce(counted.members, 0) <= %(max_members)s",
    "quiet": f"""(coalesce(counted.members, 0) < {QUIET_UNDER}
        OR counted.last_joined_at < now() - interval '{QUIET_DAYS} days')""",
}
COLUMNS = """rooms.id, cities.id, cities.name, cities.country_code, cities.listed,
    rooms.cluster_id, clusters.label_es, clusters.label_en, {members}, rooms.created_at"""
JOINED = """
    FROM rooms
    JOIN cities ON cities.id = rooms.city_id
    JOIN clusters ON clusters.id = rooms.cluster_id
"""
# Counts only the rooms of the page, each through the index.
PAGE = f"""
    SELECT {COLUMNS.format(members="(SELECT count(*) FROM memberships WHERE room_id = rooms.id)")}
    {JOINED}
    WHERE rooms.id > %(after)s AND {{conditions}}
    ORDER BY rooms.id LIMIT %(limit)s
"""
# Counts all members once: sorting and filtering by size needs them all.
TABLE = f"""
    SELECT {COLUMNS.format(members="coalesce(counted.members, 0)")}
    {JOINED}
    LEFT JOIN (
        SELECT room_id, count(*) AS members, max(joined_at) AS last_joined_at
        FROM memberships GROUP BY room_id
    ) AS counted ON counted.room_id = rooms.id
    WHERE {{conditions}}
    ORDER BY {{order}} LIMIT %(limit)s
"""


def page(database: Database, asked: RoomFilter, after: int, limit: int) -> list[RoomDetails]:
    """Rooms in the order of their ids, those after one. Sizes are not asked for here.

    Raises DatabaseUnavailable.
    """
    given = _given(asked)
    statement = PAGE.format(conditions=_conditions(given))
    rows = database.execute(statement, given | {"after": after, "limit": limit})
    return [details(row) for row in rows]


def table(database: Database, asked: RoomFilter, order: str, limit: int) -> list[RoomDetails]:
    """Rooms in one of ORDERS.

    Raises DatabaseUnavailable.
    """
    given = _given(asked)
    statement = TABLE.format(conditions=_conditions(given), order=ORDERS[order])
    rows = database.execute(statement, given | {"limit": limit})
    return [details(row) for row in rows]


def stream(database: Database, asked: RoomFilter) -> Iterator[RoomDetails]:
    """All rooms that are asked for, in the order of their ids, never all in memory.

    Raises DatabaseUnavailable.
    """
    given = _given(asked)
    statement = TABLE.format(conditions=_conditions(given), order=ORDERS["id"])
    yield from map(details, database.stream(statement, given | {"limit": None}))


def _given(asked: RoomFilter) -> dict[str, Any]:
    fields = {name: getattr(asked, name) for name in CONDITIONS}
    # Not `in (None, False)`: 0 members is a question too.
    return {name: value for name, value in fields.items() if not (value is None or value is False)}


def _conditions(given: dict[str, Any]) -> str:
    return " AND ".join(CONDITIONS[name] for name in given) or "true"
