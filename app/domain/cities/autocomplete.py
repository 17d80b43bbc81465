"""Autocomplete for the form, and guesses of what an unlisted city was meant to be."""

from dataclasses import dataclass
from threading import Lock

from rapidfuzz.distance import OSA

from app.domain.cities.begun_areas import LAST, area_columns, begun_areas
from app.domain.cities.city import City, city_from_row
from app.domain.cities.normalize import fold
from app.domain.cities.place_lookup import DEFAULT_COUNTRY_FACTOR, Area
from app.domain.cities.place_parser import is_divided, is_one_name, parts_of, word_runs
from app.domain.cities.place_slots import LARGE_POPULATION
from app.domain.cities.typos import MIN_TWO_EDITS_LENGTH, one_edit
from app.infra.database import Database, StatementTimeout

# A word this short in a text is more often a code or an article than the city's name: "san".
MIN_WORD_LENGTH = 4
# Shorter keys are too ambiguous; of the names in the gazetteer one in 10,000 is longer.
MIN_TYPO_LENGTH, MAX_TYPO_LENGTH = 3, 50
# A whole name that is not official, such as an airport's code, outweighs longer names.
WHOLE_FACTOR = 100
# A name with the typed beginning outweighs a name with a typo; four letters have no typo yet.
BEGUN_FACTOR, SHORT_BEGUN_FACTOR, MAX_SHORT_LENGTH = 10, 1_000, 4
MAX_GUESSES = 3
MAX_NAMESAKES = 50
# A name, its region and its country; each part more is another join.
MAX_PARTS = 4
# Two edits are verified in Python, on the most similar candidates.
MAX_CANDIDATES = 300
# A request needs one search and two lookups at most: together under a second.
SEARCH_TIMEOUT = "statement_timeout = '450ms'"
LOOKUP_TIMEOUT = "statement_timeout = '250ms'"
# Each search takes up to 0.3 s of the server's time, so a process runs one at a time.
MAX_SEARCH_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A city to pick, and the name by which it was found."""

    id: int
    name: str
    country: str
    region: str | None
    kind: str
    matched: str


@dataclass(frozen=True, slots=True)
class Namesake:
    """A listed city with a name; `official`: it is the city's official name."""

    id: int
    name: str
    country: str
    region: str | None
    population: int
    official: bool


# One statement: names with the prefix, read from the index alone, and corrected typos. Whole names
# first (of a large city, if not official), then true beginnings before typos, by the weight that
# resolves typed names. The name shown is the city's best match. {within}: a condition on cities.
SUGGEST_TEMPLATE = """
    WITH matches AS (
        SELECT city_id, {weight} * %(begun_factor)s AS weight,
               name_key = %(key)s AND (official OR weight >= %(large)s
                                       OR country_code = %(default_country)s) AS is_whole
        FROM city_names WHERE name_key >= %(key)s AND name_key < %(last)s
        UNION ALL
        SELECT city_id, {weight}, false
        FROM city_names WHERE name_key = ANY(%(corrections)s)
    ), best AS (
        SELECT city_id, bool_or(is_whole) AS is_whole, max(weight) AS weight
        FROM matches {within} GROUP BY city_id
        ORDER BY is_whole DESC, weight DESC, city_id LIMIT %(limit)s
    )
    SELECT host.town_id AS id, host.name, host.country_code AS country, host.region,
           host.kind, shown.name AS matched
    FROM best
    JOIN city_hosts AS host ON host.city_id = best.city_id
    JOIN LATERAL (
        SELECT name FROM city_names
        WHERE city_id = best.city_id
          AND ((name_key >= %(key)s AND name_key < %(last)s) OR name_key = ANY(%(corrections)s))
        ORDER BY name_key = %(key)s DESC, official DESC, name_key LIMIT 1
    ) AS shown ON true
    ORDER BY best.is_whole DESC, best.weight DESC, best.city_id
"""
WEIGHT = f"""weight::bigint * CASE WHEN country_code = %(default_country)s
               THEN {DEFAULT_COUNTRY_FACTOR} ELSE 1 END
               * CASE WHEN name_key = %(key)s THEN {WHOLE_FACTOR} ELSE 1 END"""
WITHIN = """WHERE city_id IN (
            SELECT city.id FROM cities AS city
            JOIN matches ON matches.city_id = city.id
            JOIN unnest(%(countries)s::text[], %(admin1s)s::text[], %(souths)s::float8[],
                        %(wests)s::float8[], %(norths)s::float8[], %(easts)s::float8[])
                AS area (country, admin1, south, west, north, east)
              ON area.country = city.country_code
                 AND (area.admin1 IS NULL OR area.admin1 = city.admin1)
                 AND (area.south IS NULL OR (city.latitude BETWEEN area.south AND area.north
                                             AND city.longitude BETWEEN area.west AND area.east))
        )"""
SUGGEST = SUGGEST_TEMPLATE.format(weight=WEIGHT, within="")
SUGGEST_WITHIN = SUGGEST_TEMPLATE.format(weight=WEIGHT, within=WITHIN)
MAX_POPULATION = "SELECT max(population) AS population FROM city_names WHERE name_key = %(key)s"
SIMILAR = """
    SELECT DISTINCT name_key FROM (
        SELECT name_key FROM city_names
        WHERE char_length(name_key) >= 7 AND name_key %% %(key)s
        ORDER BY similarity(name_key, %(key)s) DESC LIMIT %(limit)s
    ) AS candidate
"""
GUESS = """
    SELECT id, name, country, listed, kind FROM (
        SELECT DISTINCT ON (host.town_id) host.town_id AS id, host.name,
            host.country_code AS country, host.listed, host.kind, host.population,
            name.name_key = %(name)s OR name.name_key = ANY(%(words)s) AS is_named
        FROM city_names AS name
        JOIN city_hosts AS host ON host.city_id = name.city_id
        WHERE name.name_key = ANY(%(corrections)s) OR name.name_key = %(name)s
           OR (name.name_key = ANY(%(words)s) AND name.population >= %(large)s)
           OR (name.name_key >= %(word)s AND name.name_key < %(last)s)
        ORDER BY host.town_id, is_named DESC
    ) AS guess
    ORDER BY country = %(country)s DESC, is_named DESC, population DESC, id
    LIMIT %(limit)s
"""
FIND_NAMESAKES = """
    SELECT city.id, city.name, city.country_code AS country, city.region, city.population,
           name.official
    FROM city_names AS name JOIN cities AS city ON city.id = name.city_id
    WHERE name.name_key = %(key)s
      AND (%(country)s IS NULL OR city.country_code = upper(%(country)s))
    ORDER BY name.official DESC, city.population DESC, city.id LIMIT %(limit)s
"""


class Autocomplete:
    """Finds cities by the beginning of a name, and by names with typos."""

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country
        self._search_lock = Lock()

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Return up to `limit` cities for a prefix, which areas may follow, whole or begun.

        None if they would take too long: nobody waits for a suggestion. Raises DatabaseUnavailable.
        """
        try:
            return self._suggest_parts(typed, limit)
        except StatementTimeout:
            return []

    def _suggest_parts(self, typed: str, limit: int) -> list[Suggestion]:
        if is_one_name(typed):  # "Sector 1" too
            found = self._suggest(fold(typed), None, limit)
            if found or not is_divided(typed):
                return found
        parts = list(dict.fromkeys(fold(part.text) for part in parts_of(typed)))[:MAX_PARTS]
        parts = parts or [fold(typed)]
        name, *qualifiers = parts
        if not qualifiers:
            return self._suggest(name, None, limit)
        areas = begun_areas(self.database, qualifiers, LOOKUP_TIMEOUT)
        found = self._suggest(name, areas, limit) if areas else []
        if not found and (areas := begun_areas(self.database, parts[:-1], LOOKUP_TIMEOUT)):
            found = self._suggest(parts[-1], areas, limit)  # "Spain, Barc"
        return found or self._suggest(name, None, limit)

    def _suggest(self, key: str, areas: list[Area] | None, limit: int) -> list[Suggestion]:
        """Return the cities whose name begins with a key, or is a typo away, within areas."""
        if not key:
            return []
        (largest,) = self.database.execute(MAX_POPULATION, {"key": key}, LOOKUP_TIMEOUT)
        if largest.population is None:
            corrections = self._corrections(key)
        elif largest.population >= LARGE_POPULATION:
            corrections = []
        else:
            # Two edits away from a whole name is too far.
            corrections = list(one_edit(key))
        parameters = {
            "key": key,
            "last": key + LAST,
            "corrections": corrections,
            "limit": limit,
            "large": LARGE_POPULATION,
            "begun_factor": SHORT_BEGUN_FACTOR if len(key) <= MAX_SHORT_LENGTH else BEGUN_FACTOR,
            "default_country": self.default_country,
        }
        if areas is None:
            rows = self.database.execute(SUGGEST, parameters, LOOKUP_TIMEOUT)
        else:
            parameters |= area_columns(areas)
            rows = self.database.execute(SUGGEST_WITHIN, parameters, LOOKUP_TIMEOUT)
        suggestions: dict[int, Suggestion] = {}
        for row in rows:  # a merged city and its town are one suggestion, the first
            suggestions.setdefault(row.id, Suggestion(**row._asdict()))
        return list(suggestions.values())

    def guess(self, unlisted: City, typed: str = "") -> list[City]:
        """Return up to three listed cities that an unlisted one may be.

        Candidates are names a typo away, the same name elsewhere, longer names with this beginning,
        and large cities whose name stands in the typed text. Raises DatabaseUnavailable.
        """
        name = fold(unlisted.name)
        words = [run for run in word_runs(typed or unlisted.name) if len(run) >= MIN_WORD_LENGTH]
        rows = self.database.execute(
            GUESS,
            {
                "name": name,
                "words": words,
                "large": LARGE_POPULATION,
                "corrections": self._corrections(name),
                "word": f"{name} ",
                "last": f"{name} {LAST}",
                "country": unlisted.country or self.default_country,
                "limit": MAX_GUESSES,
            },
            LOOKUP_TIMEOUT,
        )
        return [city_from_row(row) for row in rows]

    def namesakes(self, name: str, country: str | None) -> list[Namesake]:
        """Return the listed cities with a name: official names first, then the most populous.

        Raises DatabaseUnavailable.
        """
        parameters = {"key": fold(name), "country": country, "limit": MAX_NAMESAKES}
        rows = self.database.execute(FIND_NAMESAKES, parameters)
        return [Namesake(**row._asdict()) for row in rows]

    def _corrections(self, key: str) -> list[str]:
        """Return keys that the typed one may be a typo of: one edit away, two for long names.

        Two edits are left out where the search for them would take too long.
        """
        # The trigram search of a key of 1,440 characters, which 80 ligatures fold to, takes 5 s.
        if not MIN_TYPO_LENGTH <= len(key) <= MAX_TYPO_LENGTH:
            return []
        if len(key) < MIN_TWO_EDITS_LENGTH:
            return list(one_edit(key))
        names = [name for name in self._similar(key) if name != key]
        return [name for name in names if OSA.distance(name, key, score_cutoff=2) <= 2]

    def _similar(self, key: str) -> list[str]:
        if not self._search_lock.acquire(timeout=MAX_SEARCH_WAIT_S):
            return []
        try:
            parameters = {"key": key, "limit": MAX_CANDIDATES}
            rows = self.database.execute(SIMILAR, parameters, SEARCH_TIMEOUT)
            return [row.name_key for row in rows]
        except StatementTimeout:
            return []
        finally:
            self._search_lock.release()
