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

from tests.support.attack import Traces, World, attack
from tests.support.databases import Server, Sql

ATTRIBUTES = ("town", "cluster", "interest", "month")
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
    came, gone, far = Traces(), Traces(), []
    server = Server.shared()
    with server.copy_of_demo() as url:
        world = World(url, seed=1)
        first = errors(world.sql)
        days = attack(world, arguments.newcomers, arguments.erased, arguments.others)
        for came_today, gone_today in track(
            islice(days, arguments.days), total=arguments.days, console=Console(stderr=True)
        ):
            came.add(came_today)
            gone.add(gone_today)
            far += errors(world.sql)
    server.drop_all()
    learned = Table("learned of", "people", *ATTRIBUTES, "any", box=None)
    for name, traces, attributes in (
        ("newcomers", came, ATTRIBUTES[:3]),
        ("erased people", gone, ATTRIBUTES),
    ):
        shares = [traces.learned(attribute) for attribute in attributes]
        shares += [traces.learned(*attributes)]
        cells = [f"{100 * share:.1f} %" for share in shares]
        cells[3:3] = [""] * (len(ATTRIBUTES) - len(attributes))
        learned.add_row(name, str(len(traces.of_targets)), *cells)
    price = Table("cities of", "mean error at first", "and then", "95 of 100 within", box=None)
    for low, high in SIZES:
        at_first, then = (
            [error for people, error in each if low <= people <= high] for each in (first, far)
        )
        price.add_row(
            f"{low} to {high}" if high < 10**9 else f"{low} and more",
            f"{statistics.mean(at_first):.1f}",
            f"{statistics.mean(then):.1f}",
            f"{statistics.quantiles(then, n=20)[-1]:.0f}",
        )
    Console(width=100).print(learned, "", price)
    worst = max(came.learned(*ATTRIBUTES[:3]), gone.learned(*ATTRIBUTES))
    sys.exit(1 if worst > MAX_LEARNED else 0)


if __name__ == "__main__":
    main()
