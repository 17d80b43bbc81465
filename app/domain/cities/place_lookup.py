"""Looks folded keys up: the cities and the areas that have these names, in one statement."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from app.domain.cities.city import City
from app.infra.database import Database, Row

# Factors by which an official name, a capital and a city of the default country outweigh others.
OFFICIAL_FACTOR, CAPITAL_FACTOR, DEFAULT_COUNTRY_FACTOR = 10, 5, 100


class Area(NamedTuple):
    """A country, region or island. `code`: identifies it; `box`: south, west, north, east.

    `is_code`: it was found by a code, such as ES or SE, not by a name. `population`: people of its
    listed cities, 0 if unknown. `said_id`: the unlisted city that was merged into it and by whose
    name it was found.
    """

    code: str
    name: str
    country: str
    admin1: str | None
    is_country: bool
    is_code: bool = False
    box: tuple[float, float, float, float] | None = None
    population: int = 0
    said_id: int | None = None

    @property
    def is_district(self) -> bool:
        """Whether it is a part of the region `admin1`: the gazetteer knows only the region."""
        return "-" in self.code

    def contains_area(self, other: "Area") -> bool:
        """Return whether another area is this one or a part of it, as far as the codes tell."""
        if self.country != other.country or (other.is_country and not self.is_country):
            return False
        if self.is_country or self.code == other.code:
            return True
        if self.box or (self.is_district and not other.box):
            return False
        return self.admin1 is not None and self.admin1 == other.admin1


class Bearer(NamedTuple):
    """A city that has a name. `town`: the city itself, or the one it was merged into.

    `id`: the city's own. `is_listed`: a city of the gazetteer, not an unlisted one that was merged.
    """

    town: City
    id: int
    is_listed: bool
    country: str | None
    admin1: str | None
    population: int
    official: bool
    is_capital: bool
    weight: int
    latitude: float | None
    longitude: float | None

    def is_in(self, area: Area) -> bool:
        """Return whether the city lies in an area."""
        if area.country != self.country:
            return False
        if area.box and self.latitude is not None and self.longitude is not None:
            south, west, north, east = area.box
            return south <= self.latitude <= north and west <= self.longitude <= east
        return area.admin1 is None or area.admin1 == self.admin1


@dataclass(frozen=True, slots=True)
class Known:
    """What the database has for some keys: cities by descending weight, and areas."""

    cities: dict[str, list[Bearer]]
    areas: dict[str, list[Area]]


# An unlisted city that an admin merged is known by its name too, and comes before the gazetteer. If
# it was merged into an area, its name is one of the area's, and comes before the gazetteer too.
# The heaviest city wins: see the factors above.
FIND = f"""
    SELECT name.name_key, host.town_id, host.name, host.country_code AS town_country,
           host.listed AS is_town_listed, host.kind, city.listed AS is_listed,
           city.country_code AS country, city.admin1,
           coalesce(city.population, 0) AS population, name.official, city.is_capital,
           greatest(city.population, 1)::bigint
               * CASE WHEN name.official THEN {OFFICIAL_FACTOR} ELSE 1 END
               * CASE WHEN city.is_capital THEN {CAPITAL_FACTOR} ELSE 1 END
               * CASE WHEN city.country_code = %(default_country)s
                      THEN {DEFAULT_COUNTRY_FACTOR} ELSE 1 END AS weight,
           city.latitude, city.longitude, NULL AS area, NULL::boolean AS is_country,
           NULL::boolean AS is_code, NULL::float8 AS south, NULL::float8 AS west,
           NULL::float8 AS north, NULL::float8 AS east, city.id AS city_id
    FROM (
        SELECT name_key, city_id, official FROM city_names WHERE name_key = ANY(%(keys)s)
        UNION ALL
        SELECT name_key, id, true FROM cities
        WHERE NOT listed AND merged_into IS NOT NULL AND name_key = ANY(%(keys)s)
    ) AS name
    JOIN cities AS city ON city.id = name.city_id
    JOIN city_hosts AS host ON host.city_id = city.id
    WHERE host.kind IS DISTINCT FROM 'area'
    UNION ALL
    SELECT name_key, NULL, coalesce(name, upper(name_key)), NULL, NULL, NULL, NULL, country_code,
           admin1, population, NULL,
           NULL, NULL, NULL, NULL, coalesce(area, country_code || coalesce('.' || admin1, '')),
           is_country, is_code, south, west, north, east, said_id
    FROM (
        SELECT name_key, name, country_code, admin1, area, is_country, is_code, south, west, north,
               east, population, NULL::bigint AS said_id
        FROM place_names WHERE name_key = ANY(%(keys)s)
        UNION
        SELECT typed.name_key, name.name, name.country_code, name.admin1, name.area,
               name.is_country, false, south, west, north, east, name.population,
               typed.id
        FROM cities AS typed
        JOIN cities AS town ON town.id = typed.merged_into
        JOIN place_names AS name ON name.area = town.area_code
        WHERE NOT typed.listed AND typed.name_key = ANY(%(keys)s)
    ) AS area
    ORDER BY weight DESC NULLS LAST, town_id, city_id
"""


def look_up(database: Database, default_country: str, keys: Iterable[str]) -> Known:
    """Return the cities and areas that have these names. Raises DatabaseUnavailable."""
    known = Known(defaultdict(list), defaultdict(list))
    for row in database.execute(FIND, {"keys": list(keys), "default_country": default_country}):
        if row.area is None:
            known.cities[row.name_key].append(_bearer(row))
        else:
            known.areas[row.name_key].append(area_from_row(row)._replace(said_id=row.city_id))
    return known


def _bearer(row: Row) -> Bearer:
    return Bearer(
        City(row.town_id, row.name, row.town_country, row.is_town_listed, row.kind),
        row.city_id,
        row.is_listed,
        row.country,
        row.admin1,
        row.population,
        row.official,
        row.is_capital,
        row.weight,
        row.latitude,
        row.longitude,
    )


def area_from_row(row: Row) -> Area:
    """Return the area of a row of place_names, with country_code as country."""
    box = None if row.south is None else (row.south, row.west, row.north, row.east)
    columns = (row.area, row.name or "", row.country, row.admin1, row.is_country, row.is_code)
    return Area(*columns, box, row.population or 0)
