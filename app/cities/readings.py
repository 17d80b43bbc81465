"""How a typed place may be read: "Granada, Nicaragua", "Paris (Texas)", "sevilla españa"."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.cities.naming import fold

SEPARATORS = re.compile(r"[,;()\[\]|，、،；（）]|\s[-–—]\s")
# "Estados Unidos de América" is the longest qualifier that people write without a comma.
MOST_WORDS = 4


class Reading(NamedTuple):
    """A name, and the keys of what qualifies it; `explicit`: the user set them apart by a comma."""

    name: str
    qualifiers: tuple[str, ...]
    explicit: bool


class Area(NamedTuple):
    """A country, or a region of it; `admin1`: GeoNames' code, where it is understood."""

    country: str
    admin1: str | None
    is_country: bool


def readings(typed: str) -> Iterator[Reading]:
    """The readings of a typed place other than as one name, the likeliest first."""
    parts = [part.strip() for part in SEPARATORS.split(typed)]
    parts = [part for part in parts if fold(part)]
    if not parts:
        return
    name, *qualifiers = parts
    if qualifiers:
        yield Reading(name, tuple(map(fold, qualifiers)), explicit=True)
        return
    words = name.split()
    for last in range(1, min(MOST_WORDS, len(words) - 1) + 1):
        qualifier = fold(" ".join(words[-last:]))
        if qualifier and fold(" ".join(words[:-last])):
            yield Reading(" ".join(words[:-last]), (qualifier,), explicit=False)


def areas_of(reading: Reading, known: dict[str, set[Area]], country: str | None) -> set[Area]:
    """The areas that all understood qualifiers agree on; empty: none was understood.

    `known`: areas by key. A country given beside the name outweighs qualifiers that contradict it.
    """
    areas: set[Area] = set()
    for qualifier in reading.qualifiers:
        understood = known.get(qualifier, set())
        areas = _within(areas, understood) if areas and understood else areas | understood
    if not areas or country is None:
        return areas
    agreeing = {area for area in areas if area.country == country}
    return agreeing or {Area(country, None, is_country=False)}


def _within(narrow: set[Area], wide: set[Area]) -> set[Area]:
    # "Springfield, Illinois, USA": the narrower of two areas of one country.
    both = set()
    for one in narrow:
        for other in wide:
            if one.country == other.country and (
                one.admin1 is None or other.admin1 in (None, one.admin1)
            ):
                both.add(other if one.is_country else one)
    # Two that contradict each other: the last word is the country as a rule.
    return both or wide
