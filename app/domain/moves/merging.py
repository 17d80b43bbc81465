"""`cities merge`: two cities are the same place."""

from dataclasses import dataclass, fields
from functools import partial
from math import inf, isinf
from typing import Any

import sqlalchemy

from app.domain.cities.city import Kind
from app.domain.cities.distance import distance_km
from app.domain.moves.relocation import Relocation, in_transaction
from app.infra.database import Database

# Two cities that are farther apart are hardly one place.
MAX_KM = 50


class CannotMerge(Exception):
    """The merge makes no sense; the text states why and what to do."""


class CityGone(CannotMerge):
    """One of the two cities does not exist."""


@dataclass(frozen=True, slots=True)
class MergeSide:
    """One of the two cities of a merge; `members`: the people who gave this city."""

    id: int
    name: str
    region: str | None
    country: str | None
    listed: bool
    kind: str
    population: int | None
    latitude: float | None
    longitude: float | None
    members: int


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge changes: the number of rooms, members and gathered towns that move.

    `km`: distance of the two; None: unknown. `doubts`: why they may not be the same place.
    """

    origin: MergeSide
    into: MergeSide
    km: float | None
    doubts: list[str]
    rooms: int
    people: int
    towns: int


FIND_CITIES = """
    SELECT id, name, region, country_code AS country, merged_into, hub_id, listed, kind, population,
           latitude, longitude
    FROM cities WHERE id IN (%(from_id)s, %(into_id)s) ORDER BY id
"""
# Joins continue, because their foreign keys pass this lock. The creation of a room waits.
LOCK_CITIES = f"{FIND_CITIES} FOR NO KEY UPDATE"
COUNT_ROOMS = """
    SELECT (SELECT count(*) FROM rooms WHERE city_id = %(from_id)s) AS rooms,
           (SELECT count(*) FROM cities WHERE hub_id = %(from_id)s) AS towns
"""
COUNT_PEOPLE = """
    SELECT count(*) FILTER (WHERE %(from_id)s IN (rooms.city_id, member.city_id)) AS people,
           count(*) FILTER (WHERE member.city_id = %(from_id)s) AS from_members,
           count(*) FILTER (WHERE member.city_id = %(into_id)s) AS into_members
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
"""
FIND_MERGED = "SELECT id FROM cities WHERE merged_into = %(into_id)s AND id <> %(from_id)s"
# A repeated run keeps the time of the first.
SET_TIME = "UPDATE cities SET merged_at = now() WHERE id = %(from_id)s AND merged_into IS NULL"
SET_POINTER = """
    UPDATE cities SET merged_into = %(into_id)s, hub_id = NULL WHERE id = %(from_id)s
"""
FLATTEN_MERGED = """
    UPDATE cities SET merged_into = %(into_id)s WHERE merged_into = %(from_id)s
"""
FLATTEN_GATHERED = """
    UPDATE cities SET hub_id = %(host_id)s WHERE hub_id = %(from_id)s AND id <> %(host_id)s
"""


def plan_merge(database: Database, from_id: int, into_id: int) -> MergePlan:
    """Return what merging would change.

    Raises CannotMerge, DatabaseUnavailable.
    """
    parameters = {"from_id": from_id, "into_id": into_id}
    with database.transaction() as connection:
        origin, into = _check(connection, FIND_CITIES, from_id, into_id)
        places = connection.exec_driver_sql(COUNT_ROOMS, parameters).one()
        people = connection.exec_driver_sql(COUNT_PEOPLE, parameters).one()
    km = distance_km(origin, into)
    return MergePlan(
        _side(origin, people.from_members),
        _side(into, people.into_members),
        None if isinf(km) else round(km, 1),
        _doubts(origin, into, km),
        places.rooms,
        people.people,
        places.towns,
    )


def merge(relocation: Relocation, from_id: int, into_id: int) -> None:
    """Merge a city into another: its names, its id, its rooms and its people.

    A repeated run finishes what an interrupted one began. Raises CannotMerge, DatabaseUnavailable.
    """
    relocation.relocate(begin(relocation.database, from_id, into_id))


def begin(database: Database, from_id: int, into_id: int) -> list[int]:
    """Set the pointer of a merge; return the cities whose people and rooms are to move then.

    Raises CannotMerge, DatabaseUnavailable.
    """
    in_transaction(database, partial(_set_pointers, from_id=from_id, into_id=into_id))
    merged = database.execute(FIND_MERGED, {"from_id": from_id, "into_id": into_id})
    # The ids of the rooms of cities merged earlier must lead where FROM's do.
    return [from_id, *(row.id for row in merged)]


def _side(city: Any, members: int) -> MergeSide:
    names = [field.name for field in fields(MergeSide) if field.name != "members"]
    return MergeSide(**{name: getattr(city, name) for name in names}, members=members)


def _doubts(origin: Any, into: Any, km: float) -> list[str]:
    """Return why two cities may not be the same place."""
    doubts = []
    if origin.listed and not into.listed:
        doubts.append(f"{origin.name} is in the gazetteer, and {into.name} was typed")
    if None not in (origin.country, into.country) and origin.country != into.country:
        doubts.append(f"{into.name} is in another country ({into.country}, not {origin.country})")
    if MAX_KM < km < inf:
        doubts.append(f"{into.name} is {km:,.0f} km away")
    return doubts


def _set_pointers(connection: sqlalchemy.Connection, from_id: int, into_id: int) -> None:
    _, into = _check(connection, LOCK_CITIES, from_id, into_id)
    parameters = {"from_id": from_id, "into_id": into_id, "host_id": into.hub_id or into_id}
    for statement in (SET_TIME, SET_POINTER, FLATTEN_MERGED, FLATTEN_GATHERED):
        connection.exec_driver_sql(statement, parameters)


def _check(
    connection: sqlalchemy.Connection, find: str, from_id: int, into_id: int
) -> tuple[Any, Any]:
    """Return the rows of both cities. Raises CannotMerge."""
    if from_id == into_id:
        raise CannotMerge("a city cannot be merged into itself")
    rows = connection.exec_driver_sql(find, {"from_id": from_id, "into_id": into_id})
    cities = {row.id: row for row in rows}
    for city_id in (from_id, into_id):
        if city_id not in cities:
            raise CityGone(f"there is no city {city_id}; `manage.py cities find NAME` finds ids")
    origin, into = cities[from_id], cities[into_id]
    if into.merged_into is not None:
        raise CannotMerge(
            f"city {into_id} was itself merged into {into.merged_into}: merge into that one"
        )
    if origin.merged_into not in (None, into_id):
        raise CannotMerge(f"city {from_id} was merged into {origin.merged_into} before")
    if origin.kind == Kind.PLACELESS or (into.kind == Kind.PLACELESS and origin.kind == Kind.AREA):
        raise CannotMerge("people without a place cannot be merged with an area or a city")
    if origin.listed and into.kind != Kind.CITY:
        raise CannotMerge(f"{origin.name} is a city of the gazetteer, and {into.name} is no city")
    if into.hub_id == from_id:
        raise CannotMerge(
            f"city {into_id} shares the rooms of {from_id}: `manage.py cities release {into_id}`"
            " first"
        )
    return origin, into
