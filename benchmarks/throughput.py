"""Throughput, as ratios to the baseline and to the published API, measured in the same run."""

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from benchmarks.interleaved_rounds import Rates, run_rounds
from benchmarks.rows import Row
from benchmarks.variants import running
from tests.support.databases import Server

CONTROL = ("baseline again", "baseline")
ROOMS_GOAL = 0.95


def rooms(url: str, connections: int, goal: float, max_rounds: int) -> tuple[Row, Rates]:
    """Compare `POST /rooms` of new users with the bare upsert."""
    with running(url, ["service", *CONTROL], connections) as variants:
        rates = run_rounds(variants, "/rooms", connections, CONTROL, max_rounds=max_rounds)
    name = f"rooms_{connections}_connections"
    return row(name, f"POST /rooms, {connections} connections", rates, "baseline", goal), rates


def cluster(url: str, max_rounds: int) -> tuple[list[Row], Rates]:
    """Compare `POST /cluster` with a constant and with the published API."""
    with running(url, ["service", *CONTROL, "published"], 8) as variants:
        rates = run_rounds(variants, "/cluster", 8, CONTROL, max_rounds=max_rounds)
    label = "POST /cluster, 8 connections, "
    return [
        row("cluster_to_baseline", label + "to a constant", rates, "baseline", 0.88),
        row("cluster_to_published", label + "to the published API", rates, "published", 2.5),
    ], rates


def row(name: str, label: str, rates: Rates, reference: str, goal: float) -> Row:
    low, high = rates.interval("service", reference)
    control = rates.interval(*CONTROL)
    note = f"{low:.3f} to {high:.3f}; two baselines {control[0]:.3f} to {control[1]:.3f}"
    return Row(name, label, rates.median("service", reference), goal, "ratio", note=note)


def describe(rates: Rates) -> str:
    """Return the number of rounds and each variant's median rate as text."""
    medians = {name: statistics.median(values) for name, values in rates.by_name.items()}
    texts = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in medians.items())
    return f"{len(rates.by_name['baseline'])} rounds: {texts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=8)
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
            rooms_row, rates = rooms(url, arguments.connections, ROOMS_GOAL, arguments.rounds)
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
