"""How well and how quickly the autocomplete forgives: seeded one-edit typos of official names.

Prints the share that has the right city, or a larger one of that very name, in the first five, and
the milliseconds an answer takes, typo or none.
"""

import argparse
import random
import statistics
import time

from rich.console import Console
from rich.table import Table

from app import create_app
from app.domain.cities.normalize import fold
from tests.support.databases import Server, settings_of, sql_on
from tests.support.typos import typo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--typos", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    table = Table("names", "typed", "found in five", "median ms", "p99 ms", box=None)
    with Server.of_this_run().database() as url:
        app = create_app(settings_of(url))
        suggest = app.extensions["nomad_rooms"].autocomplete.suggest
        cities = sql_on(url)("SELECT id, name, name_key, population FROM cities WHERE listed")
        known = {city[0]: city for city in cities}
        for population in (0, 100_000):
            chance = random.Random(arguments.seed)
            pool = [c for c in cities if len(c[2]) >= 5 and c[3] >= population]
            sample = chance.sample(pool, arguments.typos)
            for kind in ("a typo", "as it is"):
                found, took = 0, []
                for city_id, name, key, people in sample:
                    typed = name
                    while kind == "a typo" and fold(typed) == key:
                        typed = typo(name, chance)
                    began = time.perf_counter()
                    answers = suggest(typed, 5)
                    took.append((time.perf_counter() - began) * 1000)
                    found += any(
                        a.id == city_id or (known[a.id][2] == key and known[a.id][3] >= people)
                        for a in answers
                    )
                table.add_row(
                    f"of {population:,} people and more" if population else "all",
                    kind,
                    f"{found / len(sample):.1%}",
                    f"{statistics.median(took):.1f}",
                    f"{statistics.quantiles(took, n=100)[-1]:.1f}",
                )
        app.extensions["nomad_rooms"].database.close()
    Server.of_this_run().drop_all()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
