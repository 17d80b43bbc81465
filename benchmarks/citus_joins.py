"""Joins on a Citus cluster, as a ratio to the same PostgreSQL without Citus, in turn.

    python -m benchmarks.citus_joins --local
    python -m benchmarks.citus_joins CLUSTER_URL PLAIN_URL

The first starts a coordinator and three workers, and a server of the same PostgreSQL, on this
machine. The second takes two released databases, one of which `db distribute` distributed. A
gunicorn with the default settings serves each; in each round of a second each is loaded once, in
random order, and only ratios within a round count. The members stay in the databases. The exit
status is 1 where the goal is missed.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.citus_cluster import add_databases, chosen_databases
from benchmarks.interleaved_rounds import Rates, run_rounds
from benchmarks.rows import Row, show
from benchmarks.variants import Variant, running_as_shipped

# As shipped: on Citus each join is a statement of its own, elsewhere waiting joins share one.
CITUS, PLAIN, AGAIN = "Citus", "PostgreSQL", "PostgreSQL again"
# What grouped joins gain does not count as a cost of Citus.
UNGROUPED = "PostgreSQL, one by one"
SERVICE_APP, UNGROUPED_APP = "app:create_app()", "benchmarks.unbatched:app"
CONTROL = (AGAIN, PLAIN)
GOAL_AT_8 = 0.6
CONNECTIONS = (8, 32)


@contextmanager
def running(cluster: str, plain: str) -> Iterator[list[Variant]]:
    """Start the servers, and stop them at the end."""
    served = {PLAIN: SERVICE_APP, AGAIN: SERVICE_APP, UNGROUPED: UNGROUPED_APP}
    with (
        running_as_shipped(cluster, {CITUS: SERVICE_APP}) as on_cluster,
        running_as_shipped(plain, served) as on_plain,
    ):
        yield on_cluster + on_plain


def rows(rates: Rates, connections: int) -> list[Row]:
    """Return the ratios of Citus to PostgreSQL; there is a goal for 8 connections as shipped."""
    control_low, control_high = rates.interval(*CONTROL)
    results = []
    for reference in (PLAIN, UNGROUPED):
        low, high = rates.interval(CITUS, reference)
        has_goal = connections == CONNECTIONS[0] and reference == PLAIN
        results.append(
            Row(
                f"{connections} connections, to {reference}",
                f"joins, {connections} connections, Citus to {reference}",
                rates.median(CITUS, reference),
                GOAL_AT_8 if has_goal else 0,
                "ratio",
                note=f"{low:.3f} to {high:.3f}; control {control_low:.3f} to {control_high:.3f}",
            )
        )
    return results


def describe(rates: Rates) -> str:
    """Return the median rate of each server as text."""
    medians = {name: statistics.median(rates.values(name)) for name in rates.by_name}
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in medians.items())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_databases(parser)
    parser.add_argument("--rounds", type=int, default=15, help="maximum")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results, texts = [], []
    with chosen_databases(arguments) as urls, running(*urls) as variants:
        for connections in CONNECTIONS:
            rates = run_rounds(
                variants, "/rooms", connections, CONTROL, max_rounds=arguments.rounds
            )
            results += rows(rates, connections)
            texts.append(f"{connections} connections: {describe(rates)}")
    if arguments.json:
        print(json.dumps({row.name: row.document() for row in results}, indent=2))
    else:
        show(results)
        print(*texts, sep="\n")
    raise SystemExit(not all(row.is_met for row in results))


if __name__ == "__main__":
    main()
