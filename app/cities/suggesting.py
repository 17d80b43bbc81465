"""What a typed beginning may become, and what an unlisted place may have been meant as."""

from dataclasses import dataclass

from rapidfuzz.distance import OSA

from app.cities.naming import fold
from app.cities.readings import readings
from app.cities.service import City
from app.cities.typos import LONG, one_edit
from app.db import Database

# A city so large is meant by its whole name, typos or none.
LARGE = 100_000
SHORTEST_TYPO = 3
MOST_GUESSES = 3
# What comes after every key that begins with a key, in the order of code points.
LAST = "\U0010ffff"
# Two edits are judged in Python; the candidates most alike are enough.
MOST_CANDIDATES = 300


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A city to pick, and the name by which it was found."""

    id: int
    name: str
    country: str
    region: str | None
    matched: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """A listed city that bears a name."""

    id: int
    name: str
    country: str
    region: str | None
    population: int
    official: bool


# One statement: names that begin with the key, read from the index alone, and names that a typo
# made of it; whole names first, then the most populous. The name shown is the city's best match.
SUGGEST = """
    WITH matches AS (
        SELECT city_id, population, name_key FROM city_names
        WHERE %(prefix)s AND name_key >= %(key)s AND name_key < %(last)s
        UNION ALL
        SELECT city_id, population, name_key FROM city_names WHERE name_key = ANY(%(meant)s)
    ), best AS (
        SELECT city_id, bool_or(name_key = %(key)s) AS is_whole, max(population) AS population
        FROM matches GROUP BY city_id
        ORDER BY is_whole DESC, population DESC, city_id LIMIT %(limit)s
    )
    SELECT home.id, home.name, home.country_code, home.region, shown.name
    FROM best
    JOIN cities AS city ON city.id = best.city_id
    JOIN cities AS home ON home.id = coalesce(city.merged_into, city.id)
    JOIN LATERAL (
        SELECT name FROM city_names
        WHERE city_id = best.city_id
          AND ((%(prefix)s AND name_key >= %(key)s AND name_key < %(last)s)
               OR name_key = ANY(%(meant)s))
        ORDER BY name_key = %(key)s DESC, official DESC, name_key LIMIT 1
    ) AS shown ON true
    ORDER BY best.is_whole DESC, best.population DESC, best.city_id
"""
LARGEST = "SELECT max(population) FROM city_names WHERE name_key = %(key)s"
ALIKE = """
    SELECT DISTINCT name_key FROM (
        SELECT name_key FROM city_names
        WHERE char_length(name_key) >= 7 AND name_key %% %(key)s
        ORDER BY similarity(name_key, %(key)s) DESC LIMIT %(most)s
    ) AS alike
"""
GUESS = """
    SELECT id, name, country_code, listed FROM (
        SELECT DISTINCT ON (home.id) home.id, home.name, home.country_code, home.listed,
            home.population, name.name_key = ANY(%(first)s) AS is_first
        FROM city_names AS name
        JOIN cities AS city ON city.id = name.city_id
        JOIN cities AS home ON home.id = coalesce(city.merged_into, city.id)
        WHERE name.name_key = ANY(%(meant)s) OR name.name_key = ANY(%(first)s)
           OR (name.name_key >= %(word)s AND name.name_key < %(last)s)
        ORDER BY home.id, is_first DESC
    ) AS guess
    ORDER BY country_code = %(country)s DESC, is_first DESC, population DESC, id
    LIMIT %(most)s
"""


BEARERS = """
    SELECT city.id, city.name, city.country_code, city.region, city.population, name.official
    FROM city_names AS name JOIN cities AS city ON city.id = name.city_id
    WHERE name.name_key = %(key)s
      AND (%(country)s IS NULL OR city.country_code = upper(%(country)s))
    ORDER BY name.official DESC, city.population DESC, city.id LIMIT 50
"""


class Suggestions:
    """Looks names up by their beginning and by what a typo may have made of them."""

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Up to `limit` cities for the beginning of a name; whole names, then the most populous.

        Raises DatabaseUnavailable.
        """
        key = fold(typed)
        if not key:
            return []
        ((largest,),) = self.database.execute(LARGEST, {"key": key})
        if largest is None:
            meant = self._meant(key)
        else:
            # A whole name: that of a large city is no typo, any other hardly one of two edits.
            meant = [] if largest >= LARGE else list(one_edit(key))
        rows = self.database.execute(
            SUGGEST,
            {
                "prefix": True,
                "key": key,
                "last": key + LAST,
                "meant": meant,
                "limit": limit,
            },
        )
        found = {row[0]: Suggestion(*row) for row in reversed(rows)}
        return list(reversed(found.values()))

    def guess(self, unlisted: City) -> list[City]:
        """Up to three listed cities that an unlisted one may be: a typo away, of the same name
        elsewhere, a longer name that begins so, or the city it was said to be part of.

        Raises DatabaseUnavailable.
        """
        whole, around = [fold(unlisted.name)], []
        for reading in readings(unlisted.name):
            if reading.explicit:
                whole, around = [fold(reading.name)], list(reading.qualifiers)
        rows = self.database.execute(
            GUESS,
            {
                "first": [*whole, *around],
                "meant": self._meant(whole[0]),
                "word": f"{whole[0]} ",
                "last": f"{whole[0]} {LAST}",
                "country": unlisted.country or self.default_country,
                "most": MOST_GUESSES,
            },
        )
        return [City(*row) for row in rows]

    def bearers(self, name: str, country: str | None) -> list[Bearer]:
        """The listed cities that bear a name, official names first, then the most populous.

        Raises DatabaseUnavailable.
        """
        rows = self.database.execute(BEARERS, {"key": fold(name), "country": country})
        return [Bearer(*row) for row in rows]

    def _meant(self, key: str) -> list[str]:
        """Keys that a typo may have made this one of: one edit away, two for long names."""
        if len(key) < SHORTEST_TYPO:
            return []
        if len(key) < LONG:
            return list(one_edit(key))
        rows = self.database.execute(ALIKE, {"key": key, "most": MOST_CANDIDATES})
        return [
            name for (name,) in rows if name != key and OSA.distance(name, key, score_cutoff=2) <= 2
        ]
