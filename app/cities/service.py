"""From what a user typed to a city."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from app.cities.naming import fold
from app.cities.readings import Area, Reading, areas_of, readings
from app.db import Database, Row
from app.metrics import UNLISTED
from app.remembering import Remembered

# Typed names are an unbounded key: without a bound anyone could fill the memory.
REMEMBERED_NAMES = 20_000
# How much more an official name says than another, a capital, and a city of the app's own country.
OFFICIAL, CAPITAL, AT_HOME = 10, 5, 100
# An official name of a city so large is heard though a region, or a country, is called so too.
LARGE, VERY_LARGE = 100_000, 300_000
WEIGHT = f"""greatest(city.population, 1)::bigint
            * CASE WHEN name.official THEN {OFFICIAL} ELSE 1 END
            * CASE WHEN city.is_capital THEN {CAPITAL} ELSE 1 END
            * CASE WHEN city.country_code = %(home)s THEN {AT_HOME} ELSE 1 END"""


class UnusableName(Exception):
    """The name has no letter and no digit, so that it cannot name a place."""


class UnknownCity(Exception):
    """No city has this id."""


@dataclass(frozen=True, slots=True)
class City:
    """A city as answers show it."""

    id: int
    name: str
    country: str | None
    listed: bool


# "Andalucía" is no town in Colombia: where a country or an exactly known region is called so, a
# city of that name elsewhere is not meant, unless it is large (Washington, Salvador). Codes are too
# short to say anything.
IS_MEANT_AS_A_CITY = f"""(
            char_length(%(key)s) <= 3
            OR NOT EXISTS (SELECT 1 FROM place_names AS area WHERE area.name_key = %(key)s
                           AND (area.is_country OR area.admin1 IS NOT NULL))
            OR EXISTS (SELECT 1 FROM place_names AS area WHERE area.name_key = %(key)s
                       AND area.country_code = city.country_code
                       AND coalesce(area.admin1, city.admin1, '') = coalesce(city.admin1, ''))
            OR (name.official AND city.population >= CASE
                WHEN EXISTS (SELECT 1 FROM place_names AS area
                             WHERE area.name_key = %(key)s AND area.is_country)
                THEN {VERY_LARGE} ELSE {LARGE} END)
          )"""
# The city that bears a name. Signposts are followed: a merged city's name means the other one, and
# an admin's merge of an unlisted city is heard before the gazetteer. Then weight decides: the
# largest, official names and the app's own country counting more; ties by id.
FIND = f"""
    SELECT home.id, home.name, home.country_code, home.listed
    FROM (
        SELECT id, merged_into, 1 AS turn, 0 AS weight
        FROM cities
        WHERE NOT listed AND merged_into IS NOT NULL AND name_key = %(key)s
          AND country_code IS NOT DISTINCT FROM %(country)s
        UNION ALL
        SELECT city.id, city.merged_into, 2, {WEIGHT}
        FROM city_names AS name
        JOIN cities AS city ON city.id = name.city_id
        WHERE name.name_key = %(key)s
          AND (%(country)s IS NULL OR city.country_code = %(country)s)
          AND (%(country)s IS NOT NULL OR {IS_MEANT_AS_A_CITY})
    ) AS bearer
    JOIN cities AS home ON home.id = coalesce(bearer.merged_into, bearer.id)
    ORDER BY turn, weight DESC, bearer.id
    LIMIT 1
"""
# The same within areas; a region that is known exactly says more than its country alone.
FIND_WITHIN = f"""
    SELECT home.id, home.name, home.country_code, home.listed
    FROM city_names AS name
    JOIN cities AS city ON city.id = name.city_id
    JOIN unnest(%(countries)s::text[], %(admin1s)s::text[]) AS area (country, admin1)
      ON area.country = city.country_code AND coalesce(area.admin1, city.admin1, '')
         = coalesce(city.admin1, '')
    JOIN cities AS home ON home.id = coalesce(city.merged_into, city.id)
    WHERE name.name_key = %(key)s
    ORDER BY {WEIGHT}
        * CASE WHEN area.admin1 IS NOT NULL THEN {OFFICIAL} ELSE 1 END DESC, city.id
    LIMIT 1
"""
KNOWN_AREAS = """
    SELECT name_key, country_code, admin1, is_country
    FROM place_names WHERE name_key = ANY(%(keys)s)
"""
FIND_UNLISTED = """
    SELECT home.id, home.name, home.country_code, home.listed
    FROM cities AS typed
    JOIN cities AS home ON home.id = coalesce(typed.merged_into, typed.id)
    WHERE NOT typed.listed AND typed.name_key = %(key)s
      AND typed.country_code IS NOT DISTINCT FROM %(country)s
"""
# Whoever comes second makes nothing, and both read the same row afterwards.
MAKE_UNLISTED = """
    INSERT INTO cities (name, name_key, country_code, listed)
    VALUES (%(name)s, %(key)s, %(country)s, false)
    ON CONFLICT (name_key, country_code) WHERE NOT listed DO NOTHING
    RETURNING id
"""
FIND_BY_ID = """
    SELECT home.id, home.name, home.country_code, home.listed
    FROM cities AS said
    JOIN cities AS home ON home.id = coalesce(said.merged_into, said.id)
    WHERE said.id = %(id)s
"""


class Cities:
    """Resolves names and ids, and remembers each answer for 5 seconds at the most.

    `default_country`: the ISO code of the country whose cities are meant before others'.
    """

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country
        self._remembered: Remembered[Hashable, City] = Remembered(REMEMBERED_NAMES)

    def resolve(self, name: str, country: str | None) -> City:
        """The city that a typed name means; an unlisted one is made when nothing bears the name.

        Raises UnusableName, DatabaseUnavailable.
        """
        # The name and not its key: the key no longer tells where the comma was.
        asked = (name, country)
        if city := self._remembered.recall(asked):
            return city
        city = self.find(name, country) or self._find_or_make(name, country)
        return self._remembered.keep(asked, city)

    def find(self, name: str, country: str | None) -> City | None:
        """The listed city that a typed name means, or the one an admin merged it into, or None.

        Raises UnusableName, DatabaseUnavailable.
        """
        key = fold(name)
        if not key:
            raise UnusableName(name)
        if city := self._find_whole(key, country):
            return city
        candidates = list(readings(name))
        known = self._known_areas(candidates)
        for reading in candidates:
            if city := self._find_read(reading, known, country):
                return city
        return None

    def known(self, name: str, country: str | None) -> City | None:
        """The city that a typed name means, unlisted ones too, or None; makes none.

        Raises UnusableName, DatabaseUnavailable.
        """
        if city := self.find(name, country):
            return city
        key, country = self.unlisted_key(name, country)
        return self._first(FIND_UNLISTED, key=key, country=country)

    def unlisted_key(self, name: str, country: str | None) -> tuple[str, str | None]:
        """Key and country under which a place that no city bears would be kept.

        Raises DatabaseUnavailable.
        """
        name, country = self._unlisted_name(name.strip(), country)
        return fold(name), country

    def by_id(self, city_id: int) -> City:
        """The city of an id, or the one it was merged into.

        Raises UnknownCity, DatabaseUnavailable.
        """
        if city := self._remembered.recall(city_id):
            return city
        rows = self.database.execute(FIND_BY_ID, {"id": city_id})
        if not rows:
            raise UnknownCity(city_id)
        return self._remembered.keep(city_id, City(*rows[0]))

    def forget(self) -> None:
        """Drop all that is remembered: some of it turned out to be gone."""
        self._remembered.forget()

    def _find_whole(self, key: str, country: str | None) -> City | None:
        return self._first(FIND, key=key, country=country, home=self.default_country)

    def _find_read(
        self, reading: Reading, known: dict[str, set[Area]], country: str | None
    ) -> City | None:
        key = fold(reading.name)
        if areas := areas_of(reading, known, country):
            return self._first(
                FIND_WITHIN,
                key=key,
                countries=[area.country for area in areas],
                admin1s=[area.admin1 for area in areas],
                home=self.default_country,
            )
        # A qualifier nobody knows ("Sevilla, centro") does not lose the city.
        return self._find_whole(key, country) if reading.explicit else None

    def _find_or_make(self, name: str, country: str | None) -> City:
        name, country = self._unlisted_name(name.strip(), country)
        parameters = {"name": name, "key": fold(name), "country": country}
        city = self._first(FIND_UNLISTED, **parameters)
        if city is None:
            if self.database.execute(MAKE_UNLISTED, parameters):
                UNLISTED.inc()
            city = self._first(FIND_UNLISTED, **parameters)
        assert city is not None, "an unlisted city is never deleted"
        return city

    def _unlisted_name(self, name: str, country: str | None) -> tuple[str, str | None]:
        # "Enlloc, España" and "Enlloc" with ES are one place. A region stays in the name: two
        # villages of one name are told apart by it.
        for reading in readings(name):
            areas = areas_of(reading, self._known_areas([reading]), country)
            if reading.explicit and len({area.country for area in areas}) == 1:
                whole = not all(area.is_country for area in areas)
                return (name if whole else reading.name), areas.pop().country
        return name, country

    def _known_areas(self, candidates: list[Reading]) -> dict[str, set[Area]]:
        keys = [key for reading in candidates for key in reading.qualifiers]
        known: dict[str, set[Area]] = {}
        if keys:
            for key, *area in self.database.execute(KNOWN_AREAS, {"keys": keys}):
                known.setdefault(key, set()).add(Area(*area))
        return known

    def _first(self, statement: str, **parameters: Any) -> City | None:
        rows: list[Row] = self.database.execute(statement, parameters)
        return City(*rows[0]) if rows else None
