"""`cities unify`: unlisted places that are one place by today's reading of their names.

Earlier releases made a place of each spelling: "Albarracín", "Albarracín, Teruel"; "Spain",
"España". Each unlisted place is read again as it was typed. It is merged into the listed city that
its name means without a doubt, into the area, or into the one unlisted place of this name.
"""

from contextlib import suppress
from dataclasses import dataclass

from app.domain.cities.area_places import PLACELESS_NAME
from app.domain.cities.city import City, Place
from app.domain.cities.place_parser import is_divided
from app.domain.cities.repository import Cities, UnusableName
from app.domain.moves.merging import CityGone, begin
from app.domain.moves.relocation import MAX_ATTEMPTS, Relocation
from app.infra.database import Database


@dataclass(frozen=True, slots=True)
class Unification:
    """A place that becomes another; `into_id`: None if the other is created first."""

    from_id: int
    name: str
    country: str | None
    people: int
    into_id: int | None
    into_name: str
    into_country: str | None


# Places that were merged and still have rooms are those of an interrupted run.
LIST = """
    SELECT city.id, city.name, city.country_code AS country, count(member.user_id) AS people,
           town.id AS town_id, town.name AS town_name, town.country_code AS town_country
    FROM cities AS city
    LEFT JOIN memberships AS member ON member.city_id = city.id
    LEFT JOIN cities AS town ON town.id = city.merged_into
    WHERE NOT city.listed AND city.kind = 'city'
      AND (town.id IS NULL OR EXISTS (SELECT FROM rooms WHERE rooms.city_id = city.id))
    GROUP BY city.id, town.id ORDER BY people DESC, city.id
"""

FIND_EXISTING = "SELECT id FROM cities WHERE id = ANY(%(ids)s)"


def plan_unify(database: Database, cities: Cities) -> list[Unification]:
    """Return what becomes what, most people first. Raises DatabaseUnavailable."""
    plan = []
    for row in database.execute(LIST):
        target: tuple[int | None, str, str | None] | None
        target = (row.town_id, row.town_name, row.town_country)
        if row.town_id is None:
            target = _target(cities, row.name, row.country)
        if target is None:
            continue
        into_id, into_name, into_country = target
        if into_id != row.id:
            plan.append(
                Unification(
                    row.id, row.name, row.country, row.people, into_id, into_name, into_country
                )
            )
    return plan


def _as_typed(cities: Cities, name: str, country: str | None) -> Place:
    """Return what was typed.

    Earlier releases took "Milano (MI)" for a place in the US, and "México, Mérida" for one in
    Venezuela: their country counts only if the text alone says less. Raises UnusableName,
    DatabaseUnavailable.
    """
    if is_divided(name):
        alone = cities.read(name, None)
        if (alone.city or alone.is_area) and not alone.doubts:
            return Place(name)
    return Place(name, country)


def _target(
    cities: Cities, name: str, country: str | None
) -> tuple[int | None, str, str | None] | None:
    """Return the id, name and country of the city that a place is; None if there is a doubt."""
    try:
        place = _as_typed(cities, name, country)
        reading = cities.read(place.name, place.country)
    except UnusableName:
        return None
    if (reading.city or reading.is_area) and reading.doubts:
        return None
    if found := cities.find_read(place, reading):
        return _columns(found)
    if reading.is_area:
        area = reading.area
        return None, area.name if area else PLACELESS_NAME, area.country if area else None
    unlisted = cities.unlisted_place(place, reading)
    if cities.read(unlisted.name, unlisted.country).city:
        return None  # "Madrid, Costa del Sol" is not Madrid, nor another place of this name
    return None, unlisted.name, unlisted.country or cities.default_country


def _columns(city: City) -> tuple[int, str, str | None]:
    return city.id, city.name, city.country


def unify(relocation: Relocation, plan: list[Unification], cities: Cities) -> None:
    """Merge the places of a plan. A repeated run finishes what an interrupted one began.

    Raises CannotMerge, DatabaseUnavailable.
    """
    moved = dict[int, None]()
    try:
        for unification in plan:
            moved |= dict.fromkeys(_begin(relocation.database, unification, cities))
    finally:  # a failure leaves nobody behind whose place has its pointer already
        relocation.relocate(list(moved))


def _begin(database: Database, unification: Unification, cities: Cities) -> list[int]:
    """Set the pointer of a place; return the cities whose people are to move, if it is still there.

    Raises CannotMerge, DatabaseUnavailable.
    """
    from_id, into_id = unification.from_id, unification.into_id
    for _ in range(MAX_ATTEMPTS):
        existing = {row.id for row in database.execute(FIND_EXISTING, {"ids": [from_id, into_id]})}
        if from_id not in existing:
            break  # since the plan it was removed with its last user
        if into_id is None or into_id not in existing:
            place = _as_typed(cities, unification.name, unification.country)
            into_id = cities.locate(place).city.id
        if into_id == from_id:
            break
        with suppress(CityGone):  # another process removed the new place, in which nobody is yet
            return begin(database, from_id, into_id)
        cities.clear_cache()
    return []
