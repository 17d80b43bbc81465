"""Lists rooms: pages for HTTP, tables and exports for admins."""

from collections.abc import Iterator
from typing import Any

from app.domain.rooms.filters import ORDERS, QUIET_DAYS, QUIET_MEMBERS, RoomFilter
from app.domain.rooms.repository import DETAILS, DETAILS_FROM, RoomDetails, details_from_row
from app.infra.database import Database

CONDITIONS = {
    # A gathered city's rooms are its hub's.
    "city_id": """rooms.city_id = (
        SELECT host_id FROM city_hosts WHERE city_hosts.city_id = %(city_id)s)""",
    "country": "cities.country_code = %(country)s",
    "cluster": "rooms.cluster_id = %(cluster)s",
    "min_members": "coalesce(counts.members, 0) >= %(min_members)s",
    "max_members": "coalesce(counts.members, 0) <= %(max_members)s",
    "quiet": f"""(coalesce(counts.members, 0) < {QUIET_MEMBERS}
        OR counts.last_joined_at < now() - interval '{QUIET_DAYS} days')""",
}
PAGE = f"""
    SELECT {DETAILS}
    FROM {DETAILS_FROM}
    WHERE rooms.id > %(after)s AND {{conditions}}
    ORDER BY rooms.id LIMIT %(limit)s
"""
# Of some rooms, each through the index on room_id. A page counts its rooms by it, and not by a
# subquery for each: on a cluster the members are on other nodes, where none can run.
COUNT_MEMBERS = """
    SELECT room_id, count(*) AS members FROM memberships
    WHERE room_id = ANY(%(rooms)s) GROUP BY room_id
"""
# Counts all members once: sorting and filtering by size needs every count.
TABLE = f"""
    SELECT * FROM (
        SELECT {DETAILS}, coalesce(counts.members, 0) AS members
        FROM {DETAILS_FROM}
        LEFT JOIN (
            SELECT room_id, count(*) AS members, max(joined_at) AS last_joined_at
            FROM memberships GROUP BY room_id
        ) AS counts ON counts.room_id = rooms.id
        WHERE {{conditions}}
    ) AS room
    ORDER BY {{order}} LIMIT %(limit)s
"""


def page(database: Database, filter_: RoomFilter, after: int, limit: int) -> list[RoomDetails]:
    """Return rooms in the order of their ids, those after one; without conditions on size.

    Raises DatabaseUnavailable.
    """
    parameters = _parameters(filter_)
    statement = PAGE.format(conditions=_conditions(parameters))
    rows = database.execute(statement, parameters | {"after": after, "limit": limit})
    counted = database.execute(COUNT_MEMBERS, {"rooms": [row.id for row in rows]})
    members = {row.room_id: row.members for row in counted}
    return [details_from_row(row, members=members.get(row.id, 0)) for row in rows]


def table(database: Database, filter_: RoomFilter, order: str, limit: int) -> list[RoomDetails]:
    """Return rooms in one of ORDERS.

    Raises DatabaseUnavailable.
    """
    parameters = _parameters(filter_)
    statement = TABLE.format(conditions=_conditions(parameters), order=ORDERS[order])
    rows = database.execute(statement, parameters | {"limit": limit})
    return [details_from_row(row) for row in rows]


def stream(database: Database, filter_: RoomFilter) -> Iterator[RoomDetails]:
    """Yield all rooms of a filter in the order of their ids, in bounded memory.

    Raises DatabaseUnavailable.
    """
    parameters = _parameters(filter_)
    statement = TABLE.format(conditions=_conditions(parameters), order=ORDERS["id"])
    yield from map(details_from_row, database.stream(statement, parameters | {"limit": None}))


def _parameters(filter_: RoomFilter) -> dict[str, Any]:
    fields = {name: getattr(filter_, name) for name in CONDITIONS}
    # Not `in (None, False)`: 0 equals False, and 0 members is a valid condition.
    return {name: value for name, value in fields.items() if not (value is None or value is False)}


def _conditions(parameters: dict[str, Any]) -> str:
    return " AND ".join(CONDITIONS[name] for name in parameters) or "true"
