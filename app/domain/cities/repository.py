"""Resolves what a user typed, or the id of a city they picked, to a city."""

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.domain.cities.normalize import fold
from app.domain.cities.place_parser import Area, Reading, common_areas, readings
from app.infra.database import Database, Row
from app.infra.metrics import UNLISTED
from app.infra.ttl_cache import SharedTTLCache

# Typed names are an unbounded key: without a limit anyone could fill the memory.
MAX_CACHED_NAMES = 20_000
# Factors by which an official name, a capital and a city of the default country outweigh others.
OFFICIAL_FACTOR, CAPITAL_FACTOR, DEFAULT_COUNTRY_FACTOR = 10, 5, 100
# A city of this size is meant by its official name although a region, or a country, shares it.
LARGE_POPULATION, VERY_LARGE_POPULATION = 100_000, 300_000


class UnusableName(Exception):
    """The name has no letter and no digit, so it cannot name a place."""


class UnknownCity(Exception):
    """No city has this id."""


class Place(NamedTuple):
    """Where a user says they are: a name as typed, or the id of a city they picked."""

    name: str = ""
    country: str | None = None
    city_id: int | None = None


@dataclass(frozen=True, slots=True)
class City:
    """A city as responses show it."""

    id: int
    name: str
    country: str | None
    listed: bool


# The largest city wins: see the factors above.
WEIGHT = f"""greatest(city.population, 1)::bigint
            * CASE WHEN name.official THEN {OFFICIAL_FACTOR} ELSE 1 END
            * CASE WHEN city.is_capital THEN {CAPITAL_FACTOR} ELSE 1 END
            * CASE WHEN city.country_code = %(default_country)s
                   THEN {DEFAULT_COUNTRY_FACTOR} ELSE 1 END"""
# "Andalucía" is not the town in Colombia: where a country, or a region with a known code, has the
# name, a city elsewhere is meant only if it is large (Washington, Salvador). Codes of up to three
# letters are too short for this rule.
IS_MEANT_AS_CITY = f"""(
            char_length(%(key)s) <= 3
            OR NOT EXISTS (SELECT 1 FROM place_names AS area WHERE area.name_key = %(key)s
                           AND (area.is_country OR area.admin1 IS NOT NULL))
            OR EXISTS (SELECT 1 FROM place_names AS area WHERE area.name_key = %(key)s
                       AND area.country_code = city.country_code
                       AND coalesce(area.admin1, city.admin1, '') = coalesce(city.admin1, ''))
            OR (name.official AND city.population >= CASE
                WHEN EXISTS (SELECT 1 FROM place_names AS area
                             WHERE area.name_key = %(key)s AND area.is_country)
                THEN {VERY_LARGE_POPULATION} ELSE {LARGE_POPULATION} END)
          )"""
TOWN = "host.town_id AS id, host.name, host.country_code AS country, host.listed"
# The city with a name. An unlisted city that an admin merged comes before the gazetteer, then the
# weight decides, then the id.
FIND = f"""
    SELECT {TOWN}
    FROM (
        SELECT id, 1 AS priority, 0 AS weight
        FROM cities
        WHERE NOT listed AND merged_into IS NOT NULL AND name_key = %(key)s
          AND country_code IS NOT DISTINCT FROM %(country)s
        UNION ALL
        SELECT city.id, 2, {WEIGHT}
        FROM city_names AS name
        JOIN cities AS city ON city.id = name.city_id
        WHERE name.name_key = %(key)s
          AND (%(country)s IS NULL OR city.country_code = %(country)s)
          AND (%(country)s IS NOT NULL OR {IS_MEANT_AS_CITY})
        ORDER BY priority, weight DESC, id LIMIT 1
    ) AS best
    JOIN city_hosts AS host ON host.city_id = best.id
"""
# The city with a name within areas; a region with a known code says more than its country alone.
FIND_WITHIN = f"""
    SELECT {TOWN}
    FROM (
        SELECT city.id
        FROM city_names AS name
        JOIN cities AS city ON city.id = name.city_id
        JOIN unnest(%(countries)s::text[], %(admin1s)s::text[]) AS area (country, admin1)
          ON area.country = city.country_code AND coalesce(area.admin1, city.admin1, '')
             = coalesce(city.admin1, '')
        WHERE name.name_key = %(key)s
        ORDER BY {WEIGHT}
            * CASE WHEN area.admin1 IS NOT NULL THEN {OFFICIAL_FACTOR} ELSE 1 END DESC, city.id
        LIMIT 1
    ) AS best
    JOIN city_hosts AS host ON host.city_id = best.id
"""
FIND_AREAS = """
    SELECT name_key, country_code AS country, admin1, is_country
    FROM place_names WHERE name_key = ANY(%(keys)s)
"""
FIND_UNLISTED = f"""
    SELECT {TOWN}
    FROM cities AS typed
    JOIN city_hosts AS host ON host.city_id = typed.id
    WHERE NOT typed.listed AND typed.name_key = %(key)s
      AND typed.country_code IS NOT DISTINCT FROM %(country)s
"""
# Of several callers that race one inserts, and all read the same row afterwards.
CREATE_UNLISTED = """
    INSERT INTO cities (name, name_key, country_code, listed)
    VALUES (%(name)s, %(key)s, %(country)s, false)
    ON CONFLICT (name_key, country_code) WHERE NOT listed DO NOTHING
    RETURNING id
"""
FIND_BY_ID = f"SELECT {TOWN} FROM city_hosts AS host WHERE host.city_id = %(id)s"


class Cities:
    """Resolves names and ids to cities, and caches each answer for up to 5 seconds.

    `default_country`: ISO 3166-1 code of the country whose cities are preferred.
    """

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country
        self._cache: SharedTTLCache[Hashable, City] = SharedTTLCache(MAX_CACHED_NAMES)

    def locate(self, place: Place) -> City:
        """Return the city of a place; an unknown name creates an unlisted city.

        Raises UnusableName, UnknownCity, DatabaseUnavailable.
        """
        if place.city_id is not None:
            return self.by_id(place.city_id)
        return self.resolve(place.name, place.country)

    def resolve(self, name: str, country: str | None) -> City:
        """Return the city that a typed name means; an unknown name creates an unlisted city.

        Raises UnusableName, DatabaseUnavailable.
        """
        # The folded key would lose the position of the comma.
        key = (name, country)
        if city := self._cache.get(key):
            return city
        asked_at = time.monotonic()
        city = self.find(name, country) or self._find_or_create_unlisted(name, country)
        return self._cache.put(key, city, asked_at)

    def find(self, name: str, country: str | None) -> City | None:
        """Return the listed city that a typed name means, or the city it was merged into, or None.

        Raises UnusableName, DatabaseUnavailable.
        """
        key = fold(name)
        if not key:
            raise UnusableName(name)
        if city := self._find_whole(key, country):
            return city
        candidates = list(readings(name))
        areas = self._find_areas(candidates)
        for reading in candidates:
            if city := self._find_reading(reading, areas, country):
                return city
        return None

    def find_existing(self, name: str, country: str | None) -> City | None:
        """Return the city that a typed name means, listed or not, or None; creates nothing.

        Raises UnusableName, DatabaseUnavailable.
        """
        if city := self.find(name, country):
            return city
        key, country = self.unlisted_key(name, country)
        return self._first(FIND_UNLISTED, key=key, country=country)

    def unlisted_key(self, name: str, country: str | None) -> tuple[str, str | None]:
        """Return the key and country that an unlisted city of this name has.

        Raises DatabaseUnavailable.
        """
        name, country = self._unlisted_name(name.strip(), country)
        return fold(name), country

    def by_id(self, city_id: int) -> City:
        """Return the city with an id, or the city it was merged into.

        Raises UnknownCity, DatabaseUnavailable.
        """
        if city := self._cache.get(city_id):
            return city
        asked_at = time.monotonic()
        city = self._first(FIND_BY_ID, id=city_id)
        if city is None:
            raise UnknownCity(city_id)
        return self._cache.put(city_id, city, asked_at)

    def clear_cache(self) -> None:
        """Drop all cached answers."""
        self._cache.clear()

    def _find_whole(self, key: str, country: str | None) -> City | None:
        return self._first(FIND, key=key, country=country, default_country=self.default_country)

    def _find_reading(
        self, reading: Reading, known_areas: dict[str, set[Area]], country: str | None
    ) -> City | None:
        key = fold(reading.name)
        if areas := common_areas(reading, known_areas, country):
            return self._first(
                FIND_WITHIN,
                key=key,
                countries=[area.country for area in areas],
                admin1s=[area.admin1 for area in areas],
                default_country=self.default_country,
            )
        # An unknown qualifier ("Sevilla, centro") does not lose the city.
        return self._find_whole(key, country) if reading.explicit else None

    def _find_or_create_unlisted(self, name: str, country: str | None) -> City:
        name, country = self._unlisted_name(name.strip(), country)
        parameters = {"name": name, "key": fold(name), "country": country}
        city = self._first(FIND_UNLISTED, **parameters)
        if city is None:
            if self.database.execute(CREATE_UNLISTED, parameters):
                UNLISTED.inc()
            city = self._first(FIND_UNLISTED, **parameters)
        assert city is not None, "an unlisted city is never deleted"
        return city

    def _unlisted_name(self, name: str, country: str | None) -> tuple[str, str | None]:
        # "Enlloc, España" and "Enlloc" with ES are one place. A region stays in the name, because
        # it tells two villages of one name apart.
        for reading in readings(name):
            areas = common_areas(reading, self._find_areas([reading]), country)
            if reading.explicit and len({area.country for area in areas}) == 1:
                has_region = not all(area.is_country for area in areas)
                return (name if has_region else reading.name), areas.pop().country
        return name, country

    def _find_areas(self, candidates: list[Reading]) -> dict[str, set[Area]]:
        keys = [key for reading in candidates for key in reading.qualifiers]
        areas: dict[str, set[Area]] = {}
        if keys:
            for row in self.database.execute(FIND_AREAS, {"keys": keys}):
                area = Area(row.country, row.admin1, row.is_country)
                areas.setdefault(row.name_key, set()).add(area)
        return areas

    def _first(self, statement: str, **parameters: Any) -> City | None:
        rows = self.database.execute(statement, parameters)
        return city_from_row(rows[0]) if rows else None


def city_from_row(row: Row) -> City:
    """Return the city of a row with columns id, name, country and listed."""
    return City(row.id, row.name, row.country, row.listed)


def split_city(row: Row) -> tuple[City, dict[str, Any]]:
    """Return the city of a row's columns city_id, city_name, …, and the other columns."""
    columns = row._asdict()
    city = {name[5:]: columns.pop(name) for name in list(columns) if name.startswith("city_")}
    return City(**city), columns
