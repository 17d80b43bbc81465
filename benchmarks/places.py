"""How typed places are read: a list of what people wrote, or a list with the expected cities.

    python -m benchmarks.places FILE              people, provinces, text; tab-separated
    python -m benchmarks.places --expected FILE   text, GeoNames id or `none` or `ask`, place

The first prints people and strings by outcome. `provinces` names the provinces, regions or
countries whose people wrote the string. The second prints the share that is as expected, and each
failure: `none` must be refused or have no city, `ask` must come with several cities to choose from.
"""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app import create_app
from app.domain.cities.city import City, Place
from app.domain.cities.normalize import fold
from app.domain.cities.reading import Reading
from app.domain.cities.repository import UnusableName
from app.services import Services
from tests.support.databases import Server, Sql, settings_of, sql_on

OUTCOMES = {
    "city": "a listed city in a province or region of the file's",
    "area": "an area, where the string names only that",
    "placeless": "no place, as the string says",
    "asked": "asked back",
    "elsewhere": "a city or area elsewhere, which the string names",
    "silent": "a city elsewhere, in silence",
    "nothing": "nothing",
}


class Places:
    """Reads typed places as the service does, and finds where cities are."""

    def __init__(self, services: Services, sql: Sql) -> None:
        self.services, self.sql = services, sql
        self.regions = {
            city: (country, admin1)
            for city, country, admin1 in sql("SELECT id, country_code, admin1 FROM cities")
        }
        self.areas: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
        for key, country, admin1 in sql(
            "SELECT name_key, country_code, admin1 FROM place_names WHERE NOT is_code"
            " AND country_code = %s",
            (services.cities.default_country,),
        ):
            self.areas[key].add((country, admin1))

    def read(self, text: str) -> Reading | None:
        try:
            return self.services.cities.read(text, None)
        except UnusableName:
            return None

    def choices(self, text: str, reading: Reading | None) -> list[City]:
        """Return did_you_mean."""
        if reading is None or reading.is_placeless:
            return []
        others = self.services.cities.choices(reading)
        if reading.city:
            return others
        unlisted = City(0, reading.name or text, None, listed=False)
        return [*self.services.autocomplete.guess(unlisted, text), *others]

    def outcome(self, text: str, provinces: list[str]) -> str:
        reading = self.read(text)
        if reading is None:
            return "nothing"
        expected = {area for province in provinces for area in self._province(province)}
        if reading.city is None:
            if reading.area and reading.area.country not in {country for country, _ in expected}:
                return "elsewhere"
            if reading.is_area:
                kind = self.services.cities.locate(Place(text)).city.kind
                return str(kind)
            return "asked" if self.choices(text, reading) else "nothing"
        country, admin1 = self.regions[reading.city.id]
        narrow = {area for area in expected if area[1]} or expected
        if any(area in narrow for area in ((country, admin1), (country, None))):
            return "city"
        if self.choices(text, reading):
            return "asked"
        return "silent" if reading.doubts else "elsewhere"

    def count_areas(self) -> int:
        """Return the number of areas that the strings read so far made."""
        ((areas,),) = self.sql("SELECT count(*) FROM cities WHERE kind = 'area'")
        return int(areas)

    def _province(self, province: str) -> set[tuple[str, str | None]]:
        if areas := self.areas.get(fold(province)):
            return areas
        city = self.services.cities.find(province, self.services.cities.default_country)
        return {self.regions[city.id]} if city else set()


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def measure(places: Places, path: Path, verbose: bool, console: Console) -> None:
    people, strings = Counter[str](), Counter[str]()
    for row in rows(path):
        outcome = places.outcome(row["text"], row["provinces"].split(";"))
        people[outcome] += int(row["people"])
        strings[outcome] += 1
        if verbose and outcome not in ("city", "area"):
            reading = places.read(row["text"])
            city = reading.city.name if reading and reading.city else "-"
            console.print(f"{outcome}: {row['people']} {row['text']!r} {city}", markup=False)
    table = Table("outcome", "people", "", "strings", "", box=None)
    for outcome, label in OUTCOMES.items():
        cells = []
        for counts in (people, strings):
            share = counts[outcome] / max(counts.total(), 1)
            cells += [f"{counts[outcome]:,}", f"{share:.1%}"]
        table.add_row(label, *cells)
    console.print(table)
    console.print(f"{strings['area']} strings name {places.count_areas()} areas")


def check(places: Places, path: Path, console: Console) -> None:
    count = failures = 0
    for row in rows(path):
        count += 1
        reading = places.read(row["text"])
        choices = places.choices(row["text"], reading)
        found = reading.city if reading else None
        if row["expected"] == "none":
            is_right = found is None and not (reading and reading.area)
        elif row["expected"] == "ask":
            is_right = len(choices) > 1
        else:
            is_right = found is not None and str(found.id) == row["expected"]
        if not is_right:
            failures += 1
            got = f"{found.name}, {found.country}" if found else "no city"
            maybe = "; ".join(f"{city.name}, {city.country}" for city in choices)
            expected = row["place"] or row["expected"]
            console.print(f"{row['text']!r}: {expected}, got {got} ({maybe})", markup=False)
    console.print(f"{count - failures} of {count} as expected ({1 - failures / count:.1%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--expected", action="store_true", help="the file has the expected cities")
    parser.add_argument("--verbose", action="store_true", help="print what is not in the first two")
    arguments = parser.parse_args()
    server, console = Server.shared(), Console(width=120)
    with server.database() as url:
        services = create_app(settings_of(url)).extensions["nomad_rooms"]
        places = Places(services, sql_on(url))
        if arguments.expected:
            check(places, arguments.file, console)
        else:
            measure(places, arguments.file, arguments.verbose, console)
        services.database.close()
    server.drop_all()


if __name__ == "__main__":
    main()
