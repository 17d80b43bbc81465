"""Typo tolerance and speed of the autocomplete: random one-edit typos of official names.

Prints the share of names whose city, or a larger one of the same name, is among the first five, and
the duration in ms, with and without a typo.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from app import create_app
from app.domain.cities.autocomplete import Suggestion
from app.domain.cities.normalize import fold
from tests.support.databases import Server, settings_of, sql_on
from tests.support.typos import misspell

MIN_KEY_LENGTH = 5
Suggest = Callable[[str, int], list[Suggestion]]
# Id, name, key, population.
City = tuple[Any, ...]


def with_typo(city: City, rng: random.Random) -> str:
    _, name, key, _ = city
    typed: str = name
    while fold(typed) == key:
        typed = misspell(name, rng)
    return typed


def measure(
    suggest: Suggest, typed: list[str], sample: list[City], by_id: dict[int, City]
) -> tuple[float, list[float]]:
    """Return the share of found cities, and the duration of each call in ms."""
    hits, durations_ms = 0, []
    for text, (city_id, _, key, population) in zip(typed, sample, strict=True):
        began = time.perf_counter()
        suggestions = suggest(text, 5)
        durations_ms.append((time.perf_counter() - began) * 1000)
        hits += any(
            suggestion.id == city_id
            or (by_id[suggestion.id][2] == key and by_id[suggestion.id][3] >= population)
            for suggestion in suggestions
        )
    return hits / len(sample), durations_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--typos", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    server = Server.shared()
    table = Table("names", "typed", "among first five", "median ms", "p99 ms", box=None)
    with server.database() as url:
        services = create_app(settings_of(url)).extensions["nomad_rooms"]
        suggest = services.autocomplete.suggest
        cities = sql_on(url)("SELECT id, name, name_key, population FROM cities WHERE listed")
        by_id = {city[0]: city for city in cities}
        for min_population in (0, 100_000):
            rng = random.Random(arguments.seed)
            pool = [c for c in cities if len(c[2]) >= MIN_KEY_LENGTH and c[3] >= min_population]
            sample = rng.sample(pool, arguments.typos)
            names = f"of at least {min_population:,} people" if min_population else "all"
            for label, typed in (
                ("with a typo", [with_typo(city, rng) for city in sample]),
                ("correctly", [city[1] for city in sample]),
            ):
                share, durations_ms = measure(suggest, typed, sample, by_id)
                median_ms = statistics.median(durations_ms)
                p99_ms = statistics.quantiles(durations_ms, n=100)[-1]
                table.add_row(names, label, f"{share:.1%}", f"{median_ms:.1f}", f"{p99_ms:.1f}")
        services.database.close()
    server.drop_all()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
