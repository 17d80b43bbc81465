"""Finds what each part of a typed place names: cities, areas, both, or neither."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from app.domain.cities.normalize import fold
from app.domain.cities.place_lookup import Area, Bearer, Known
from app.domain.cities.place_parser import (
    Part,
    Segment,
    TypedPlace,
    is_noise,
    spellings,
    with_article,
    without_ending,
    word_splits,
)
from app.domain.cities.words import ARTICLES, NOTHING

# Shorter names than this are no name before a country without a comma ("Nueva España").
MIN_NAME_LENGTH = 6
MAX_CODE_LENGTH = 3
# A city, its district, province, region, country and continent, and one more.
MAX_PARTS = 7
# "Inca Mallorca Baleares España". Without a limit, "an an an …" is split in a billion ways.
MAX_AREAS_IN_PART = 3
# A city of this size is meant by its official name although a region shares it.
LARGE_POPULATION = 100_000
# A city of this size is meant by any of its names ("Colonia" for Köln, not a region of Uruguay).
METROPOLIS_POPULATION = 500_000


class Slot(NamedTuple):
    """A part and what it names."""

    part: Part
    cities: list[Bearer]
    areas: list[Area]

    @property
    def is_area_only(self) -> bool:
        return bool(self.areas) and not self.cities

    @property
    def is_code(self) -> bool:
        """Whether the part may be the code of a region; ESP and USA are countries for certain."""
        length = len(fold(self.part.text))
        is_country = length == MAX_CODE_LENGTH and any(area.is_country for area in self.areas)
        return bool(self.areas) and length <= MAX_CODE_LENGTH and not is_country

    @property
    def is_unknown(self) -> bool:
        return not self.areas and not self.cities


def keys_of(typed: TypedPlace) -> set[str]:
    """Return all keys that reading a typed place needs."""
    keys = {typed.key} | {flag.lower() for flag in typed.flags}
    for parse in typed.parses:
        for segment in parse.segments:
            for part, following in zip(segment, (*segment[1:], Part("")), strict=True):
                keys.update(spellings(part.text), with_article(part.text, following.text))
                _add_splits(keys, part.text)
    return keys


def _add_splits(keys: set[str], text: str) -> None:
    for name, area in word_splits(text):
        keys.update((fold(area), *spellings(name)))


class SlotReader:
    """Finds what parts name. `country`: only its cities and areas count."""

    def __init__(self, known: Known, country: str | None, default_country: str) -> None:
        self.known = known
        self.country = country
        self.default_country = default_country

    def slots(self, segment: Segment) -> list[Slot]:
        """Return what the parts of a segment name, without noise."""
        parts = [part for part in segment if not is_noise(part)]
        slots: list[Slot] = []
        # "Granada, Granada" says as much as "Granada", and an eighth part nothing.
        once: dict[str, Part] = {}
        for part in parts or segment:
            once.setdefault(fold(part.text), part)
        for part in islice(once.values(), MAX_PARTS):
            if slots and self._is_article(slots[-1], part):
                slots[-1] = self._with_article(slots[-1], part)
            else:
                slots.extend(self._split(self._slot(part)))
        known = [slot for slot in slots if not (slot.is_unknown and slot.part.is_street)]
        return [slot for slot in known if not self._says_nothing(slot, slots)] or known or slots

    def _says_nothing(self, slot: Slot, slots: list[Slot]) -> bool:
        """Return whether a part is a word for nothing ("None, Madrid"), not Nan in Thailand."""
        areas = [area for other in slots if other is not slot for area in other.areas]
        is_city = any(city.is_in(area) for city in slot.cities for area in areas)
        return fold(slot.part.text) in NOTHING and not is_city

    def flags(self, codes: Iterable[str]) -> list[Slot]:
        """Return the countries of flags; the flags of the UN and others are of none."""
        slots = []
        for code in codes:
            areas = [area for area in self.known.areas.get(code.lower(), []) if area.is_country]
            slots += [Slot(Part(code), [], areas)] if areas else []
        return slots

    def cities(self, key: str) -> list[Bearer]:
        """Return the cities of a name; an unlisted one that was merged comes first."""
        bearers = self.known.cities.get(key, [])
        if self.country:
            bearers = [bearer for bearer in bearers if bearer.country == self.country]
        home = {self.country} if self.country else {None, self.default_country}
        merged = [one for one in bearers if not one.is_listed and one.country in home]
        return merged + [one for one in bearers if one.is_listed]

    def areas(self, key: str) -> list[Area]:
        """Return the areas of a name. A country given beside it outweighs what contradicts it."""
        areas = self.known.areas.get(key, [])
        return [area for area in areas if self.country in (None, area.country)]

    def _slot(self, part: Part) -> Slot:
        whole = fold(part.text)
        for key in spellings(part.text):
            cities, areas = self.cities(key), self.areas(key)
            if key.count(" ") < whole.count(" "):
                cities = [city for city in cities if self._is_well_known(city)]
            if areas and not cities:
                cities = self.cities(without_ending(key))
            if cities or areas:
                return Slot(part, cities, areas)
        return Slot(part, [], [])

    def _is_well_known(self, city: Bearer) -> bool:
        """Return whether a part with more words than the name may mean a city.

        "Tug Town" is not Tuguegarao, whose airport's code is TUG.
        """
        least = LARGE_POPULATION if city.official else METROPOLIS_POPULATION
        return city.population >= least or city.country == self.default_country

    def _is_article(self, slot: Slot, part: Part) -> bool:
        if fold(part.text) not in ARTICLES or slot.is_area_only:
            return False
        areas = self.areas(fold(part.text))
        joined = with_article(slot.part.text, part.text)[0] in self.known.cities
        if any(one.is_in(area) for one in slot.cities for area in areas):
            return joined  # "New Orleans, LA"
        return joined or not (areas and part.text.isupper())

    def _with_article(self, slot: Slot, article: Part) -> Slot:
        key = with_article(slot.part.text, article.text)[0]
        part = Part(f"{article.text} {slot.part.text}", slot.part.number)
        cities = self.cities(key)
        return Slot(part, cities, self.areas(key)) if cities else slot._replace(part=part)

    def _split(self, slot: Slot, areas_left: int = MAX_AREAS_IN_PART) -> list[Slot]:
        """Return a name and the areas that stand in one part without a sign between them."""
        if not (slot.is_unknown and areas_left):
            return [slot]
        splits = [
            (Part(name, slot.part.number), Slot(Part(area), [], areas))
            for name, area in word_splits(slot.part.text)
            if (areas := self.areas(fold(area)))
        ]
        for name, area in splits:
            named = (
                self._split(self._slot(name), areas_left - 1)
                if name.text != slot.part.text
                else [slot]
            )
            if _is_within(named[0], area.areas):
                return [*named, area]
        for name, area in splits:
            is_country = any(one.is_country and not one.is_code for one in area.areas)
            if is_country and len(fold(name.text)) >= MIN_NAME_LENGTH:
                return [Slot(name, [], []), area]
        return [slot]


def _is_within(slot: Slot, areas: list[Area]) -> bool:
    return any(
        any(city.is_in(area) for city in slot.cities)
        or any(area.contains_area(one) and not one.is_code for one in slot.areas)
        for area in areas
    )
