"""`python -m benchmarks.singling_out`: what an analyst's attacker learns, and what that costs.

On the demo population people register and are erased for some weeks, and each day's figures are
published. The attacker of tests/support/attack.py compares the answers of each day with those of
the day before. The price is how far the figures of each day are from the truth.
"""

import argparse
import statistics
import sys
from itertools import islice

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.attack import Day, World, attack, live
from tests.support.databases import Server, Sql

ATTRIBUTES = ("town", "cluster", "interest", "month")
# Days between the two answers that are compared; the goal is for those of one day to the next.
WINDOWS = (1, 7, 28)
MAX_LEARNED = 0.05
# Each city that is shown, with the figure and the truth.
CITIES = """
    SELECT members_from_here AS shown, count(*) AS people
    FROM analytics.cities JOIN memberships USING (city_id)
    WHERE members_from_here IS NOT NULL GROUP BY city_id, members_from_here
"""
SIZES = ((5, 19), (20, 99), (100, 10**9))


def errors(sql: Sql) -> list[tuple[int, int]]:
    """Return the true number and the error of each city that is shown."""
    return [(people, abs(shown - people)) for shown, people in sql(CITIES)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--newcomers", type=int, default=12)
    parser.add_argument("--erased", type=int, default=4)
    parser.add_argument("--others", type=int, default=15)
    arguments = parser.parse_args()
    days: list[Day] = []
    far: list[tuple[int, int]] = []
    server = Server.shared()
    with server.copy_of_demo() as url:
        world = World(url, seed=1)
        first = errors(world.sql)
        lived = live(world, arguments.newcomers, arguments.erased, arguments.others)
        for day in track(
            islice(lived, arguments.days), total=arguments.days, console=Console(stderr=True)
        ):
            days.append(day)
            far += errors(world.sql)
    server.drop_all()
    learned = Table("learned of", "after days", "people", *ATTRIBUTES, "any", box=None)
    worst = 0.0
    for window in WINDOWS:
        came, gone = attack(days, world.random, window)
        for name, traces, attributes in (
            ("newcomers", came, ATTRIBUTES[:3]),
            ("erased people", gone, ATTRIBUTES),
        ):
            shares = [traces.learned(attribute) for attribute in attributes]
            cells = [f"{100 * share:.1f} %" for share in [*shares, traces.learned(*attributes)]]
            cells[3:3] = [""] * (len(ATTRIBUTES) - len(attributes))
            learned.add_row(name, str(window), str(len(traces.of_targets)), *cells)
            if window == 1:
                worst = max(worst, traces.learned(*attributes))
    Console(width=100).print(learned, "", price(first, far))
    sys.exit(1 if worst > MAX_LEARNED else 0)


def price(first: list[tuple[int, int]], far: list[tuple[int, int]]) -> Table:
    """Return a table of how wrong the figures of cities are: at first, and on all days."""
    table = Table("cities of", "mean error at first", "and then", "95 of 100 within", box=None)
    for low, high in SIZES:
        at_first, then = (
            [error for people, error in each if low <= people <= high] for each in (first, far)
        )
        table.add_row(
            f"{low} to {high}" if high < 10**9 else f"{low} and more",
            f"{statistics.mean(at_first):.1f}",
            f"{statistics.mean(then):.1f}",
            f"{statistics.quantiles(then, n=20)[-1]:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
