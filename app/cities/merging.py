"""`cities merge`: two cities are the same place."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import text

from app.db import Database
from app.rooms.moving import Move, in_transaction


class CannotMerge(Exception):
    """The merge makes no sense; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge touches: names for people, and how many rooms, members and towns."""

    from_id: int
    into_id: int
    from_name: str
    into_name: str
    rooms: int
    people: int
    towns: int


BOTH = """
    SELECT id, name, country_code, merged_into, hub_id FROM cities
    WHERE id IN (:from_id, :into_id) ORDER BY id {lock}
"""
# Joins go on: their foreign keys pass this lock. Whoever makes a room of the city waits for it.
LOOK, HOLD = text(BOTH.format(lock="")), text(BOTH.format(lock="FOR NO KEY UPDATE"))
TOUCHED = text("""
    SELECT (SELECT count(*) FROM rooms WHERE city_id = :from_id),
           (SELECT count(*) FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
            WHERE rooms.city_id = :from_id OR member.city_id = :from_id),
           (SELECT count(*) FROM cities WHERE hub_id = :from_id)
""")
MERGED = "SELECT id FROM cities WHERE merged_into = %(into_id)s AND id <> %(from_id)s"
SIGNPOST = text("UPDATE cities SET merged_into = :into_id, hub_id = NULL WHERE id = :from_id")
FLATTEN = text("UPDATE cities SET merged_into = :into_id WHERE merged_into = :from_id")
FOLLOW = text("UPDATE cities SET hub_id = :host_id WHERE hub_id = :from_id AND id <> :host_id")


def plan_merge(database: Database, from_id: int, into_id: int) -> MergePlan:
    """What merging would touch.

    Raises CannotMerge, DatabaseUnavailable.
    """
    given = {"from_id": from_id, "into_id": into_id}
    with database.transaction() as connection:
        origin, into = _check(connection, LOOK, given)
        rooms, people, towns = connection.execute(TOUCHED, given).one()
    return MergePlan(from_id, into_id, origin.name, into.name, rooms, people, towns)


def merge(move: Move, from_id: int, into_id: int) -> None:
    """Make FROM mean INTO for ever: names, id, rooms and people. Finishes what was interrupted.

    Raises CannotMerge, DatabaseUnavailable.
    """
    in_transaction(move.database, lambda connection: _point(connection, from_id, into_id))
    merged = move.database.execute(MERGED, {"from_id": from_id, "into_id": into_id})
    # Those merged into FROM before, too: their old rooms' ids lead where FROM's do.
    move.settle([from_id, *(row[0] for row in merged)])


def _point(connection: sqlalchemy.Connection, from_id: int, into_id: int) -> None:
    given: dict[str, int] = {"from_id": from_id, "into_id": into_id}
    _, into = _check(connection, HOLD, given)
    given["host_id"] = into.hub_id or into_id
    connection.execute(SIGNPOST, given)
    connection.execute(FLATTEN, given)
    connection.execute(FOLLOW, given)


def _check(
    connection: sqlalchemy.Connection, look: sqlalchemy.TextClause, given: dict[str, int]
) -> tuple[Any, Any]:
    """The rows of both cities, when merging them makes sense."""
    from_id, into_id = given["from_id"], given["into_id"]
    if from_id == into_id:
        raise CannotMerge("a city cannot be merged into itself")
    cities = {row.id: row for row in connection.execute(look, given)}
    for city_id in (from_id, into_id):
        if city_id not in cities:
            raise CannotMerge(f"there is no city {city_id}; `manage.py cities find NAME` finds ids")
    origin, into = cities[from_id], cities[into_id]
    if into.merged_into is not None:
        raise CannotMerge(
            f"city {into_id} was itself merged into {into.merged_into}: merge into that one"
        )
    if origin.merged_into not in (None, into_id):
        raise CannotMerge(f"city {from_id} was merged into {origin.merged_into} before")
    if into.hub_id == from_id:
        raise CannotMerge(
            f"city {into_id} shares the rooms of {from_id}: `manage.py cities release {into_id}`"
            " first"
        )
    return origin, into
