"""`cities merge`: two cities are the same place."""

from dataclasses import dataclass

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


BOTH = text("""
    SELECT id, name, country_code, merged_into, hub_id FROM cities
    WHERE id IN (:from_id, :into_id) ORDER BY id FOR UPDATE
""")
TOUCHED = text("""
    SELECT (SELECT count(*) FROM rooms WHERE city_id = :from_id),
           (SELECT count(*) FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
            WHERE rooms.city_id = :from_id OR member.city_id = :from_id),
           (SELECT count(*) FROM cities WHERE hub_id = :from_id)
""")
SIGNPOST = text("UPDATE cities SET merged_into = :into_id, hub_id = NULL WHERE id = :from_id")
FLATTEN = text("UPDATE cities SET merged_into = :into_id WHERE merged_into = :from_id")
FOLLOW = text("UPDATE cities SET hub_id = :host_id WHERE hub_id = :from_id AND id <> :host_id")


def plan_merge(database: Database, from_id: int, into_id: int) -> MergePlan:
    """What merging would touch.

    Raises CannotMerge, DatabaseUnavailable.
    """
    with database.transaction() as connection:
        return _check(connection, from_id, into_id)


def merge(move: Move, from_id: int, into_id: int) -> None:
    """Make FROM mean INTO for ever: names, id, rooms and people. Finishes what was interrupted.

    Raises CannotMerge, DatabaseUnavailable.
    """
    in_transaction(move.database, lambda connection: _point(connection, from_id, into_id))
    move.settle([from_id])


def _point(connection: sqlalchemy.Connection, from_id: int, into_id: int) -> None:
    _check(connection, from_id, into_id)
    hub = connection.scalar(text("SELECT hub_id FROM cities WHERE id = :id"), {"id": into_id})
    given = {"from_id": from_id, "into_id": into_id, "host_id": hub or into_id}
    connection.execute(SIGNPOST, given)
    connection.execute(FLATTEN, given)
    connection.execute(FOLLOW, given)


def _check(connection: sqlalchemy.Connection, from_id: int, into_id: int) -> MergePlan:
    if from_id == into_id:
        raise CannotMerge("a city cannot be merged into itself")
    given = {"from_id": from_id, "into_id": into_id}
    cities = {row.id: row for row in connection.execute(BOTH, given)}
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
    rooms, people, towns = connection.execute(TOUCHED, given).one()
    return MergePlan(from_id, into_id, origin.name, into.name, rooms, people, towns)
