"""Resolves what a user typed, or the id of a city they picked, to a city."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from app.domain.cities.city import City, Place, city_from_row
from app.domain.cities.place_lookup import Area, look_up
from app.domain.cities.place_parser import is_divided, is_one_name, parse
from app.domain.cities.place_reader import PlaceReader
from app.domain.cities.place_slots import keys_of
from app.domain.cities.reading import Reading
from app.domain.cities.unlisted_places import UnlistedPlace, UnlistedPlaces
from app.domain.cities.words import NOTHING, PLACELESS
from app.infra.database import Database
from app.infra.ttl_cache import SharedTTLCache

# Typed names are an unbounded key: without a limit anyone could fill the memory.
MAX_CACHED_NAMES = 20_000
MAX_CHOICES = 3
LARGEST_CITIES = """
    SELECT host.town_id AS id, host.name, host.country_code AS country, host.listed
    FROM cities AS city JOIN city_hosts AS host ON host.city_id = city.id
    WHERE city.country_code = %(country)s AND city.listed
      AND (%(admin1)s::text IS NULL OR city.admin1 = %(admin1)s)
      AND (%(south)s::float8 IS NULL
           OR (city.latitude BETWEEN %(south)s AND %(north)s
               AND city.longitude BETWEEN %(west)s AND %(east)s))
    ORDER BY city.population DESC, city.id LIMIT %(limit)s
"""
FIND_BY_ID = """
    SELECT town_id AS id, name, country_code AS country, listed
    FROM city_hosts WHERE city_id = %(id)s
"""


class UnusableName(Exception):
    """The name has no letter and no digit, so it cannot name a place."""

    reason = "must have a letter or a digit"


class NoPlace(UnusableName):
    """The name is what programs and forms write for nothing, such as "nan"."""

    reason = "names no place"


class UnknownCity(Exception):
    """No city has this id."""


class Located(NamedTuple):
    """The city of a place, and the cities that it may be instead.

    `is_unread`: the text names no listed city and no area, so it may have a typo.
    """

    city: City
    did_you_mean: tuple[City, ...] = ()
    is_unread: bool = False


class Cities:
    """Resolves names and ids to cities, and caches each answer for up to 5 seconds.

    `default_country`: ISO 3166-1 code of the country whose cities are preferred.
    """

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country
        self.unlisted = UnlistedPlaces(database, default_country)
        self._cache: SharedTTLCache[Hashable, Located] = SharedTTLCache(MAX_CACHED_NAMES)

    def locate(self, place: Place) -> Located:
        """Return the city of a place; an unknown name creates an unlisted city.

        Raises UnusableName, UnknownCity, DatabaseUnavailable.
        """
        if place.city_id is not None:
            city = self.by_id(place.city_id)
            return Located(city, is_unread=not city.listed)
        # The folded key would lose the position of the comma.
        key = (place.name, place.country)
        if located := self._cache.get(key):
            return located
        reading = self.read(place.name, place.country)
        city = reading.city or self.unlisted.find_or_create(self.unlisted_place(place, reading))
        located = Located(city, tuple(self.choices(reading)), is_unread=bool(reading.name))
        return self._cache.put(key, located)

    def choices(self, reading: Reading) -> list[City]:
        """Return up to three listed cities that a text may mean instead of its reading.

        For an area that was typed alone its largest cities. Raises DatabaseUnavailable.
        """
        areas, cities = reading.areas, list(reading.others)
        if reading.area and not areas:
            is_vague = reading.name and (cities or reading.area.is_country)
            areas = () if is_vague else (reading.area,)
        each = 1 if len(areas) > 1 or cities else MAX_CHOICES
        for area in areas:
            rows = self.database.execute(LARGEST_CITIES, _area_parameters(area, each))
            cities += [city_from_row(row) for row in rows]
        return list(dict.fromkeys(cities))[:MAX_CHOICES]

    def read(self, name: str, country: str | None) -> Reading:
        """Return what a typed name means, without creating anything.

        Raises UnusableName, DatabaseUnavailable.
        """
        typed = parse(name)
        if not (typed.key or typed.flags):
            raise UnusableName(name)
        is_plain = not is_divided(name)
        if typed.key in NOTHING and not country:
            raise NoPlace(name)
        known = look_up(
            self.database, self.default_country, [typed.key] if is_plain else keys_of(typed)
        )
        reader = PlaceReader(typed, known, country, self.default_country)
        if is_plain:
            if typed.key in NOTHING and typed.key not in known.cities:
                raise NoPlace(name)
            if typed.key in PLACELESS:
                return Reading(is_placeless=True)
            if typed.key in known.cities or typed.key in known.areas:
                reading = reader.read()
                if not reading.name:
                    return reading
            known = look_up(self.database, self.default_country, keys_of(typed))
            reader = PlaceReader(typed, known, country, self.default_country)
        return reader.read()

    def find(self, name: str, country: str | None) -> City | None:
        """Return the listed city that a typed name means, or the city it was merged into, or None.

        Raises UnusableName, DatabaseUnavailable.
        """
        return self.read(name, country).city

    def find_existing(self, name: str, country: str | None) -> City | None:
        """Return the city that a typed name means, listed or not, or None; creates nothing.

        Raises UnusableName, DatabaseUnavailable.
        """
        reading = self.read(name, country)
        place = Place(name, country)
        return reading.city or self.unlisted.find(self.unlisted_place(place, reading))

    def unlisted_key(self, name: str, country: str | None) -> tuple[str, str | None]:
        """Return the key and country that an unlisted city of this name has.

        Raises DatabaseUnavailable.
        """
        place = self.unlisted_place(Place(name, country), self.read(name, country))
        return place.key, place.country or self.default_country

    def by_id(self, city_id: int) -> City:
        """Return the city with an id, or the city it was merged into.

        Raises UnknownCity, DatabaseUnavailable.
        """
        if located := self._cache.get(city_id):
            return located.city
        rows = self.database.execute(FIND_BY_ID, {"id": city_id})
        if not rows:
            raise UnknownCity(city_id)
        return self._cache.put(city_id, Located(city_from_row(rows[0]))).city

    def clear_cache(self) -> None:
        """Drop all cached answers."""
        self._cache.clear()

    def unlisted_place(self, place: Place, reading: Reading) -> UnlistedPlace:
        """Return the unlisted place of a reading without a city."""
        area = reading.area
        country = place.country or (area.country if area else None)
        if reading.is_placeless:
            return UnlistedPlace("Remote", None, None)
        if area and not reading.name:
            return UnlistedPlace(area.name, country, area.admin1)
        admin1 = area.admin1 if area and area.country == country else None
        name = place.name.strip()
        if area or not is_one_name(name):
            name = reading.name or name
        return UnlistedPlace(name, country, admin1)


def _area_parameters(area: Area, limit: int) -> dict[str, Any]:
    sides = dict(zip(("south", "west", "north", "east"), area.box or [None] * 4, strict=True))
    return sides | {"country": area.country, "admin1": area.admin1, "limit": limit}
