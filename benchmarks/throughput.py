"""Answers a second, as ratios to the floors and to the published way, measured in the same run."""

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from benchmarks.contest import Contest, compete
from benchmarks.rows import Row
from benchmarks.sides import serving
from tests.support.databases import Server

FLOORS = ("floor again", "floor")


def rooms(url: str, connections: int, goal: float, most: int) -> tuple[Row, Contest]:
    """`POST /rooms`, each time a new user, against the same upsert done barely."""
    with serving(url, ["ours", "floor", "floor again"], connections) as sides:
        contest = compete(sides, "/rooms", connections, FLOORS, most=most)
    name = f"rooms_{connections}_connections"
    return row(name, f"POST /rooms, {connections} connections", contest, "floor", goal), contest


def cluster(url: str, most: int) -> tuple[list[Row], Contest]:
    """`POST /cluster` against a constant, and against the published way."""
    with serving(url, ["ours", "floor", "floor again", "published"], 8) as sides:
        contest = compete(sides, "/cluster", 8, FLOORS, most=most)
    told = "POST /cluster, 8 connections, "
    return [
        row("cluster_to_floor", told + "to a constant", contest, "floor", 0.88),
        row("cluster_to_published", told + "to the published way", contest, "published", 2.5),
    ], contest


def row(name: str, told: str, contest: Contest, against: str, goal: float) -> Row:
    low, high = contest.interval("ours", against)
    control = contest.interval(*FLOORS)
    spread = f"{low:.3f} to {high:.3f}; two floors {control[0]:.3f} to {control[1]:.3f}"
    return Row(name, told, contest.median("ours", against), goal, "ratio", spread=spread)


def rates(contest: Contest) -> str:
    """Each side's median rate, in words."""
    medians = {name: statistics.median(values) for name, values in contest.rates.items()}
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in medians.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=40, help="at the most")
    parser.add_argument("--cluster", action="store_true", help="POST /cluster")
    parser.add_argument("--slower", type=float, metavar="US", help="floor against a slower one")
    arguments = parser.parse_args()
    with Server.of_this_run().database() as url:
        if arguments.slower:
            show_resolution(url, arguments.slower, arguments.rounds)
            return
        if arguments.cluster:
            rows, contest = cluster(url, arguments.rounds)
        else:
            one, contest = rooms(url, arguments.connections, 0.95, arguments.rounds)
            rows = [one]
    table = Table("", "value", "goal", "95 % interval", box=None)
    for measured in rows:
        value = f"{measured.value:.3f}"
        table.add_row(measured.told, value, f"{measured.goal}", measured.spread)
    console = Console(width=140)
    console.print(table, f"{len(contest.rates['ours'])} rounds: {rates(contest)}")


def show_resolution(url: str, slower_us: float, most: int) -> None:
    """Whether the method sees a floor that does `slower_us` microseconds more."""
    slow = f"floor+{slower_us:g}"
    with serving(url, ["floor", "floor again", slow], 8) as sides:
        contest = compete(sides, "/rooms", 8, FLOORS, most=most)
    for name in ("floor again", slow):
        low, high = contest.interval(name, "floor")
        print(f"{name}: {contest.median(name, 'floor'):.3f} ({low:.3f} to {high:.3f})")
    print(f"{len(contest.rates['floor'])} rounds: {rates(contest)}")


if __name__ == "__main__":
    main()
