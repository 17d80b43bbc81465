"""Readings of a typed place: "Granada, Nicaragua", "Paris (Texas)", "sevilla españa"."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.domain.cities.normalize import fold

SEPARATORS = re.compile(r"[,;()\[\]|，、،；（）]|\s[-–—]\s")
# "Estados Unidos de América" is the longest qualifier that people write without a comma.
MAX_QUALIFIER_WORDS = 4


class Reading(NamedTuple):
    """A name and the folded keys of its qualifiers; `explicit`: a separator stood between them."""

    name: str
    qualifiers: tuple[str, ...]
    explicit: bool


class Area(NamedTuple):
    """A country, or a region of it; `admin1`: GeoNames' code, where it is known."""

    country: str
    admin1: str | None
    is_country: bool


def readings(typed: str) -> Iterator[Reading]:
    """Yield the readings of a typed place other than as one name, the likeliest first."""
    parts = [part.strip() for part in SEPARATORS.split(typed)]
    parts = [part for part in parts if fold(part)]
    if not parts:
        return
    name, *qualifiers = parts
    if qualifiers:
        yield Reading(name, tuple(map(fold, qualifiers)), explicit=True)
        return
    words = name.split()
    for count in range(1, min(MAX_QUALIFIER_WORDS, len(words) - 1) + 1):
        qualifier = fold(" ".join(words[-count:]))
        if qualifier and fold(" ".join(words[:-count])):
            yield Reading(" ".join(words[:-count]), (qualifier,), explicit=False)


def common_areas(
    reading: Reading, known_areas: dict[str, set[Area]], country: str | None
) -> set[Area]:
    """Return the areas that all known qualifiers agree on, an empty set if none is known.

    `known_areas`: areas by folded key. A country given beside the name outweighs qualifiers that
    contradict it.
    """
    areas: set[Area] = set()
    for qualifier in reading.qualifiers:
        known = known_areas.get(qualifier, set())
        areas = _intersection(areas, known) if areas and known else areas | known
    if not areas or country is None:
        return areas
    agreeing = {area for area in areas if area.country == country}
    return agreeing or {Area(country, None, is_country=False)}


def _intersection(narrow: set[Area], wide: set[Area]) -> set[Area]:
    # "Springfield, Illinois, USA": the narrower of two areas of one country.
    both = set()
    for one in narrow:
        for other in wide:
            if one.country == other.country and (
                one.admin1 is None or other.admin1 in (None, one.admin1)
            ):
                both.add(other if one.is_country else one)
    # Where the two contradict each other, the last word is usually the country.
    return both or wide
