"""`cities rename` and `cities remove`: corrections of places that users typed."""

import unicodedata
from dataclasses import dataclass

from app.domain.cities.city import Kind, Place
from app.domain.cities.normalize import fold
from app.domain.cities.repository import Cities, UnusableName
from app.domain.input_limits import CONTROL_CHARACTER, MAX_CITY_LENGTH
from app.infra.database import Database, Row


class CannotChange(Exception):
    """The place cannot be renamed or removed; the text states why and what to do."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """A place's new name. `key`: what identifies it then; None: it keeps its key."""

    city_id: int
    former_name: str
    name: str
    key: str | None


FIND = """
    SELECT name, name_key, country_code AS country, listed, kind, merged_into
    FROM cities WHERE id = %(id)s
"""
LOCK = f"{FIND} FOR NO KEY UPDATE"
RENAME = """
    UPDATE cities SET name = %(name)s, name_key = coalesce(%(key)s, name_key)
    WHERE id = %(id)s
"""
# The former name is a place that is merged into the renamed one, so that whoever types it again
# stays where they are. Who is there now said it: it goes with the last of them.
KEEP_FORMER_NAME = """
    INSERT INTO cities (name, name_key, country_code, admin1, listed, merged_into, merged_at)
    SELECT %(former_name)s, %(former_key)s, country_code, admin1, false, id, now()
    FROM cities WHERE id = %(id)s
    RETURNING id
"""
SET_SAID = """
    UPDATE memberships SET said_city_id = %(former_id)s
    WHERE city_id = %(id)s AND said_city_id IS NULL
"""
COUNT_USES = """
    SELECT (SELECT count(*) FROM rooms WHERE city_id = %(id)s) AS rooms,
           (SELECT count(*) FROM room_redirects WHERE city_id = %(id)s) AS redirects,
           (SELECT count(*) FROM memberships
            WHERE %(id)s IN (city_id, said_city_id)) AS members,
           (SELECT string_agg(id::text, ', ') FROM cities
            WHERE %(id)s IN (merged_into, hub_id)) AS followers
"""
DELETE = "DELETE FROM cities WHERE id = %(id)s AND NOT listed"


def plan_rename(database: Database, cities: Cities, city_id: int, name: str) -> Renaming:
    """Return what giving a typed place a name changes; the name is read as in POST /rooms.

    Raises CannotChange, DatabaseUnavailable.
    """
    row = _find_typed(database, city_id)
    if row.merged_into is not None or row.kind != Kind.CITY:
        raise CannotChange(f"{row.name} ({city_id}) is merged or an area: its name is not shown")
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= MAX_CITY_LENGTH or CONTROL_CHARACTER.search(name):
        limits = f"1 to {MAX_CITY_LENGTH} characters, none of them a control character"
        raise CannotChange(f"a name must have {limits}")
    if fold(name) == fold(row.name):
        return _renaming(row, city_id, name, None)
    place = Place(name, row.country)
    try:
        reading = cities.read(*place[:2])
    except UnusableName as error:
        raise CannotChange(f"{name!r} {error.reason}") from error
    found = cities.find_read(place, reading)
    if found and found.id != city_id:
        merge = f"`manage.py cities merge {city_id} {found.id}`"
        raise CannotChange(f"the name {name} is that of {found.name} ({found.id}): use {merge}")
    if reading.is_area:
        raise CannotChange(f"{name} is the name of an area, not of a city")
    unlisted = cities.unlisted_place(place, reading)
    return _renaming(row, city_id, unlisted.name, None if found else unlisted.key)


def _renaming(row: Row, city_id: int, name: str, key: str | None) -> Renaming:
    if name == row.name:
        raise CannotChange(f"{name} ({city_id}) has this name already")
    return Renaming(city_id, row.name, name, key)


def rename(database: Database, renaming: Renaming) -> None:
    """Rename a place; its former name still finds it while somebody who said it is there.

    Raises CannotChange if it was merged meanwhile, DatabaseUnavailable.
    """
    parameters = {"id": renaming.city_id, "name": renaming.name, "key": renaming.key}
    with database.transaction() as connection:
        former = connection.exec_driver_sql(LOCK, parameters).one_or_none()
        if former is None or former.merged_into is not None:
            raise CannotChange(f"{renaming.former_name} was merged or removed meanwhile")
        connection.exec_driver_sql(RENAME, parameters)
        if renaming.key:
            parameters |= {"former_name": former.name, "former_key": former.name_key}
            former_id = connection.exec_driver_sql(KEEP_FORMER_NAME, parameters).scalar_one()
            parameters |= {"former_id": former_id}
            connection.exec_driver_sql(SET_SAID, parameters)


def check_removal(database: Database, city_id: int) -> str:
    """Return the name of a place that nothing refers to.

    Raises CannotChange, DatabaseUnavailable.
    """
    row = _find_typed(database, city_id)
    (uses,) = database.execute(COUNT_USES, {"id": city_id})
    counts = {"members": uses.members, "rooms": uses.rooms, "redirects": uses.redirects}
    found = [f"{number:,} {name}" for name, number in counts.items() if number]
    if uses.followers:
        found.append(f"other names, to be removed first: {uses.followers}")
    if found:
        raise CannotChange(f"{row.name} ({city_id}) has {', '.join(found)}")
    return str(row.name)


def remove(database: Database, city_id: int) -> None:
    """Remove a place. Raises Conflict if something refers to it meanwhile, DatabaseUnavailable."""
    database.execute(DELETE, {"id": city_id})


def _find_typed(database: Database, city_id: int) -> Row:
    rows = database.execute(FIND, {"id": city_id})
    if not rows:
        raise CannotChange(f"there is no city {city_id}; `manage.py cities unlisted` lists them")
    if rows[0].listed:
        raise CannotChange(f"{rows[0].name} ({city_id}) is a city of the gazetteer")
    return rows[0]
