"""Resolves what a user typed, or the id of a city they picked, to a city or an area."""

import time
from collections.abc import Hashable
from typing import NamedTuple

from app.domain.cities.area_places import AreaPlaces, code_of
from app.domain.cities.city import City, Found, Kind, Place, city_from_row
from app.domain.cities.place_lookup import look_up
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
FIND_BY_ID = """
    SELECT town_id AS id, name, country_code AS country, listed, kind
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

    `said_id`: the city that the place names: `city`, or one that was merged into it. `is_unread`:
    the text names no listed city and no area, so it may have a typo.
    """

    city: City
    said_id: int
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
        self.areas = AreaPlaces(database)
        self._cache: SharedTTLCache[Hashable, Located] = SharedTTLCache(MAX_CACHED_NAMES)

    def locate(self, place: Place) -> Located:
        """Return the city of a place; an unknown name creates an unlisted city.

        Raises UnusableName, UnknownCity, Conflict, DatabaseUnavailable.
        """
        if place.city_id is not None:
            city = self.by_id(place.city_id)
            if city.kind == Kind.AREA:  # "which city?" is asked whether it was typed or picked
                asked = self.locate(Place(city.name, city.country)).did_you_mean
                return Located(city, place.city_id, asked)
            is_unread = city.kind == Kind.CITY and not city.listed
            return Located(city, place.city_id, is_unread=is_unread)
        # The folded key would lose the position of the comma.
        key = (place.name, place.country)
        if located := self._cache.get(key):
            return located
        asked_at = time.monotonic()
        reading = self.read(place.name, place.country)
        city, said_id = self._find_or_create(place, reading)
        choices = tuple(self.choices(reading))
        located = Located(city, said_id, choices, is_unread=bool(reading.name))
        return self._cache.put(key, located, asked_at)

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
            cities += self.areas.largest_cities(area, each)
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
        if typed.key in PLACELESS:
            return Reading(is_placeless=True)
        known = look_up(
            self.database, self.default_country, [typed.key] if is_plain else keys_of(typed)
        )
        reader = PlaceReader(typed, known, country, self.default_country)
        if is_plain:
            if typed.key in NOTHING and not reader.reader.cities(typed.key):
                raise NoPlace(name)
            if typed.key in known.cities or typed.key in known.areas:
                reading = reader.read()
                if not reading.name:
                    return reading
            known = look_up(self.database, self.default_country, keys_of(typed))
            reader = PlaceReader(typed, known, country, self.default_country)
        reading = reader.read()
        if not (reading.city or reading.area or reading.name):  # the flag of the UN
            raise NoPlace(name)
        return reading

    def find(self, name: str, country: str | None) -> City | None:
        """Return the listed city that a typed name means, or the city it was merged into, or None.

        Raises UnusableName, DatabaseUnavailable.
        """
        return self.read(name, country).city

    def find_existing(self, name: str, country: str | None) -> City | None:
        """Return the city that a typed name means, listed or not, or None; creates nothing.

        Raises UnusableName, DatabaseUnavailable.
        """
        return self.find_read(Place(name, country), self.read(name, country))

    def find_read(self, place: Place, reading: Reading) -> City | None:
        """Return the city that a reading means, listed or not, or None; creates nothing.

        Raises DatabaseUnavailable.
        """
        if reading.city:
            return reading.city
        if reading.is_area:
            found = self.areas.find(reading)
        else:
            found = self.unlisted.find(self.unlisted_place(place, reading))
        return found.city if found else None

    def new_key(self, place: Place, reading: Reading) -> tuple[str, str | None]:
        """Return what will identify the city of a reading that find_read does not find."""
        if reading.is_area:
            return code_of(reading), None
        unlisted = self.unlisted_place(place, reading)
        return unlisted.key, unlisted.country or self.default_country

    def by_id(self, city_id: int) -> City:
        """Return the city with an id, or the city it was merged into.

        Raises UnknownCity, DatabaseUnavailable.
        """
        if located := self._cache.get(city_id):
            return located.city
        asked_at = time.monotonic()
        rows = self.database.execute(FIND_BY_ID, {"id": city_id})
        if not rows:
            raise UnknownCity(city_id)
        return self._cache.put(city_id, Located(city_from_row(rows[0]), city_id), asked_at).city

    def clear_cache(self) -> None:
        """Drop all cached answers."""
        self._cache.clear()

    def unlisted_place(self, place: Place, reading: Reading) -> UnlistedPlace:
        """Return the unlisted place of a reading without a city and not of an area."""
        area = reading.area
        country = place.country or (area.country if area else None)
        admin1 = area.admin1 if area and area.country == country else None
        name = place.name.strip()
        if area or not is_one_name(name):
            name = reading.name or name
        return UnlistedPlace(name, country, admin1)

    def _find_or_create(self, place: Place, reading: Reading) -> Found:
        if reading.city:
            return Found(reading.city, reading.said_id or reading.city.id)
        if reading.is_area:
            area = self.areas.find_or_create(reading)
            said_id = reading.area.said_id if reading.area else None
            return Found(area.city, said_id or area.said_id)
        return self.unlisted.find_or_create(self.unlisted_place(place, reading))
