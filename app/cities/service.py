"""From what a user typed to a city."""

from dataclasses import dataclass
from threading import Lock

from cachetools import TTLCache

from app.cities.naming import fold
from app.db import Database

# A merge or a gather waits this long before it sweeps: nobody may remember longer.
REMEMBERED_S = 5.0
# Typed names are an unbounded key: without a bound anyone could fill the memory.
REMEMBERED_NAMES = 20_000


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


# The signpost is followed here: a name of a merged city goes on working, and means the other.
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
"""
FIND_BY_ID = """
    SELECT home.id, home.name, home.country_code, home.listed
    FROM cities AS said
    JOIN cities AS home ON home.id = coalesce(said.merged_into, said.id)
    WHERE said.id = %(id)s
"""


class Cities:
    """Resolves names and ids, and remembers each answer for 5 seconds at the most."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._remembered: TTLCache[tuple[str, str | None] | int, City] = TTLCache(
            REMEMBERED_NAMES, REMEMBERED_S
        )
        self._lock = Lock()

    def resolve(self, name: str, country: str | None) -> City:
        """The city that a typed name means; an unlisted one is made when nothing bears the name.

        Raises UnusableName, DatabaseUnavailable.
        """
        key = fold(name)
        if not key:
            raise UnusableName(name)
        return self._recall((key, country)) or self._remember(
            (key, country), self._find_or_make(name.strip(), key, country)
        )

    def by_id(self, city_id: int) -> City:
        """The city of an id, or the one it was merged into.

        Raises UnknownCity, DatabaseUnavailable.
        """
        if city := self._recall(city_id):
            return city
        rows = self.database.execute(FIND_BY_ID, {"id": city_id})
        if not rows:
            raise UnknownCity(city_id)
        return self._remember(city_id, City(*rows[0]))

    def forget(self) -> None:
        """Drop all that is remembered: some of it turned out to be gone."""
        with self._lock:
            self._remembered.clear()

    def _find_or_make(self, name: str, key: str, country: str | None) -> City:
        parameters = {"name": name, "key": key, "country": country}
        rows = self.database.execute(FIND_UNLISTED, parameters)
        if not rows:
            self.database.execute(MAKE_UNLISTED, parameters)
            rows = self.database.execute(FIND_UNLISTED, parameters)
        return City(*rows[0])

    def _recall(self, key: tuple[str, str | None] | int) -> City | None:
        with self._lock:
            return self._remembered.get(key)

    def _remember(self, key: tuple[str, str | None] | int, city: City) -> City:
        with self._lock:
            self._remembered[key] = city
        return city
