"""Reads the names of countries, regions and islands, which people add to a city's name.

Countries in many languages through Babel (CLDR) and pycountry (ISO 3166-1). Regions from
data/regions.tsv: GeoNames' first-level codes (CC BY 4.0), the codes of ISO 3166-2, and names in
nine languages from CLDR 48 (Unicode licence). Islands and coasts from data/landscapes.tsv: outlines
of Natural Earth (public domain). Only `cities load` imports the libraries.
"""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from app.domain.cities.normalize import fold

DATA = Path(__file__).parent / "data"
# Languages in which the app's users write countries, besides each country's own.
LATIN_LANGUAGES = ("es", "en", "fr", "de", "pt", "it", "ca", "gl", "eu", "nl", "pl", "tr")
LANGUAGES = (*LATIN_LANGUAGES, "ru", "uk", "ar", "zh", "zh_Hant", "ja", "ko")
# Codes and names that people write beside those of ISO 3166-1 and CLDR.
OTHER_CODES = {"UK": "GB"}
OTHER_NAMES = {
    "Great Britain": "GB",
    "Gran Bretaña": "GB",
    "Gran Bretanya": "GB",
    "Grã-Bretanha": "GB",
    "Grande-Bretagne": "GB",
    "Großbritannien": "GB",
    "Holland": "NL",
    "Holanda": "NL",
    "Hollande": "NL",
    "Korea": "KR",
    "Corea": "KR",
}


class Territory(NamedTuple):
    """A name of a country, region or island.

    `area`: identifies the place that the name means; equal for all its names. `name`: the first of
    its names, which is shown. `admin1`: GeoNames code of the region, or of the region around it;
    None if unknown. `is_code`: a code, not a name. The last four: the rectangle around an island,
    in degrees.
    """

    key: str
    area: str
    name: str
    country: str
    admin1: str | None
    is_country: bool
    is_code: bool
    south: float | None = None
    west: float | None = None
    north: float | None = None
    east: float | None = None


def read_territories() -> Iterator[Territory]:
    """Yield all names of all territories, each name of a territory once."""
    seen: set[tuple[str, str]] = set()
    shown: dict[str, str] = {}
    for territory in chain(_countries(), _regions(), _landscapes()):
        name = shown.setdefault(territory.area, territory.name)
        if territory.key and (territory.key, territory.area) not in seen:
            seen.add((territory.key, territory.area))
            yield territory._replace(name=name)


def region_names() -> dict[tuple[str, str | None], str]:
    """Return the names of regions by country and GeoNames code."""
    return {
        (row["country"], row["admin1"]): row["names"].split("|")[0]
        for row in read_table("regions.tsv")
        if row["area"] == f"{row['country']}.{row['admin1']}"
    }


def _countries() -> Iterator[Territory]:
    import pycountry
    from babel import Locale
    from babel.core import get_global
    from babel.localedata import exists

    from app.infra.country_codes import COUNTRY_CODES

    def country(name: str, code: str, is_code: bool = False) -> Territory:
        return Territory(fold(name), code, name, code, None, True, is_code)

    territory_languages = get_global("territory_languages")
    locales = {code: Locale.parse(code) for code in LANGUAGES}
    for code in sorted(COUNTRY_CODES):
        own = (tag for tag in territory_languages.get(code, {}) if exists(tag))
        for tag in (*LANGUAGES, *own):
            locale = locales.setdefault(tag, Locale.parse(tag))
            if name := locale.territories.get(code):
                yield country(name, code)
        yield country(code, code, is_code=True)
    for record in pycountry.countries:
        for field in ("name", "common_name", "official_name"):
            if name := getattr(record, field, None):
                yield country(name, record.alpha_2)
        yield country(record.alpha_3, record.alpha_2, is_code=True)
    for code, iso_code in OTHER_CODES.items():
        yield country(code, iso_code, is_code=True)
    for name, iso_code in OTHER_NAMES.items():
        yield country(name, iso_code)


def _regions() -> Iterator[Territory]:
    for row in read_table("regions.tsv"):
        area, country, admin1 = row["area"], row["country"], row["admin1"] or None
        for name in row["names"].split("|"):
            yield Territory(fold(name), area, name, country, admin1, False, False)
        for code in row["code"].split():
            if len(code) > 1:
                yield Territory(fold(code), area, code, country, admin1, False, True)


def _landscapes() -> Iterator[Territory]:
    for row in read_table("landscapes.tsv"):
        names = row["names"].split("|")
        box = [float(row[side]) for side in ("south", "west", "north", "east")]
        for name in names:
            area = f"{row['country']}~{names[0]}"
            territory = (area, name, row["country"], row["admin1"] or None, False, False)
            yield Territory(fold(name), *territory, *box)


def read_table(table: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of data/, without comments."""
    with (DATA / table).open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
