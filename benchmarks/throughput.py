"""Throughput, as ratios to the baseline and to the published API, measured in the same run."""

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from benchmarks.interleaved_rounds import Rates, run_rounds
from benchmarks.rows import Row
from benchmarks.variants import running, running_as_shipped
from tests.support.databases import Server

CONTROL = ("baseline again", "baseline")
# The baseline is a bare upsert without routing, validation, keys or counters: rows against it are a
# guard against losses, a little below what was measured, and no promise.
ROOMS_GUARD = {8: 0.6, 32: 0.6}
CLUSTER_GUARD = 0.4
# A control round with the same application: the interval shows what the method can resolve.
SHIPPED = {
    "service": "app:create_app()",
    "service again": "app:create_app()",
    "unbatched": "benchmarks.unbatched:app",
}
GROUP_COMMIT_GOAL = {8: 1.0, 32: 1.1}


def rooms(url: str, connections: int, max_rounds: int) -> tuple[Row, Rates]:
    """Compare `POST /rooms` of new users with the bare upsert."""
    with running(url, ["service", *CONTROL], connections) as variants:
        rates = run_rounds(variants, "/rooms", connections, CONTROL, max_rounds=max_rounds)
    name = f"rooms_{connections}_connections"
    label = f"POST /rooms, {connections} connections, to a bare upsert"
    return row(name, label, rates, "baseline", ROOMS_GUARD[connections]), rates


def group_commit(url: str, connections: int, max_rounds: int) -> Row:
    """Compare `POST /rooms` with and without group commit, both with the default settings."""
    control = ("service again", "service")
    with running_as_shipped(url, SHIPPED) as variants:
        rates = run_rounds(variants, "/rooms", connections, control, max_rounds=max_rounds)
    name = f"group_commit_{connections}_connections"
    label = f"POST /rooms, {connections} connections, to no group commit"
    return row(name, label, rates, "unbatched", GROUP_COMMIT_GOAL[connections], control)


def cluster(url: str, max_rounds: int) -> tuple[list[Row], Rates]:
    """Compare `POST /cluster` with a constant and with the published API."""
    with running(url, ["service", *CONTROL, "published"], 8) as variants:
        rates = run_rounds(variants, "/cluster", 8, CONTROL, max_rounds=max_rounds)
    label = "POST /cluster, 8 connections, "
    return [
        row("cluster_to_baseline", label + "to a constant", rates, "baseline", CLUSTER_GUARD),
        row("cluster_to_published", label + "to the published API", rates, "published", 4),
    ], rates


def row(
    name: str,
    label: str,
    rates: Rates,
    reference: str,
    goal: float,
    control: tuple[str, str] = CONTROL,
) -> Row:
    low, high = rates.interval("service", reference)
    control_low, control_high = rates.interval(*control)
    note = f"{low:.3f} to {high:.3f}; control {control_low:.3f} to {control_high:.3f}"
    return Row(name, label, rates.median("service", reference), goal, "ratio", note=note)


def describe(rates: Rates) -> str:
    """Return the number of rounds and each variant's median rate as text."""
    medians = {name: statistics.median(rates.values(name)) for name in rates.by_name}
    texts = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in medians.items())
    return f"{len(rates.by_name['baseline'])} rounds: {texts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, choices=ROOMS_GUARD, default=8)
    parser.add_argument("--rounds", type=int, default=40, help="maximum")
    parser.add_argument("--cluster", action="store_true", help="POST /cluster")
    parser.add_argument(
        "--slower", type=float, metavar="US", help="compare the baseline with a slower one"
    )
    arguments = parser.parse_args()
    with Server.shared().database() as url:
        if arguments.slower:
            show_resolution(url, arguments.slower, arguments.rounds)
            return
        if arguments.cluster:
            rows, rates = cluster(url, arguments.rounds)
        else:
            rooms_row, rates = rooms(url, arguments.connections, arguments.rounds)
            rows = [rooms_row]
    table = Table("", "value", "goal", "95 % interval", box=None)
    for result in rows:
        table.add_row(result.label, f"{result.value:.3f}", f"{result.goal}", result.note)
    Console(width=140).print(table, describe(rates))


def show_resolution(url: str, slower_us: float, max_rounds: int) -> None:
    """Print whether the method detects a baseline that works `slower_us` microseconds longer."""
    slower = f"baseline+{slower_us:g}"
    with running(url, [*CONTROL, slower], 8) as variants:
        rates = run_rounds(variants, "/rooms", 8, CONTROL, max_rounds=max_rounds)
    for name in ("baseline again", slower):
        low, high = rates.interval(name, "baseline")
        print(f"{name}: {rates.median(name, 'baseline'):.3f} ({low:.3f} to {high:.3f})")
    print(describe(rates))


if __name__ == "__main__":
    main()
