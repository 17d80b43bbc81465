"""`make bench`: every goal of the service measured in one run, as a table, a picture and JSON.

Throughput, memory and start are ratios inside the run; counts are counts. What each row is measured
against stands in its module. `--only NAME` measures some of them.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.config import INSTANCE
from app.infra.plotting import COLOURS
from benchmarks import faults, footprint, import_waits, importing, throughput
from benchmarks.rows import Row
from tests.support.databases import Server

PARTS: dict[str, Callable[[str, int], list[Row]]] = {
    "rooms": lambda url, rounds: [
        throughput.rooms(url, 8, 0.95, rounds)[0],
        throughput.rooms(url, 32, 1.0, rounds)[0],
    ],
    "cluster": lambda url, rounds: throughput.cluster(url, rounds)[0],
    "footprint": lambda url, rounds: footprint.rows(url),
    "import": lambda url, rounds: importing.rows() + import_waits.rows(),
    "faults": lambda url, rounds: faults.rows(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=30, help="of throughput, at the most")
    arguments = parser.parse_args()
    console, rows = Console(stderr=True), []
    server = Server.of_this_run()
    try:
        for part in arguments.only:
            console.print(f"measuring: {part}")
            with server.database() as url:
                rows += PARTS[part](url, arguments.rounds)
    finally:
        server.drop_all()
    write(rows, INSTANCE / "bench.json")
    draw(rows, INSTANCE / "bench.png")
    show(rows)
    return 0 if all(row.met for row in rows) else 1


def write(rows: list[Row], path: Path) -> None:
    """The rows as JSON; those measured before and not now stay."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= {row.name: row.document() for row in rows}
    path.write_text(json.dumps(known, indent=2) + "\n")


def show(rows: list[Row]) -> None:
    table = Table("", "value", "goal", "met", "spread", box=None)
    for row in rows:
        sign, met = "≥" if row.at_least else "≤", "yes" if row.met else "no"
        value = f"{row.value:.3f}".rstrip("0").rstrip(".")
        table.add_row(row.told, value, f"{sign} {row.goal:g} {row.unit}", met, row.spread)
    Console(width=160).print(table)


def draw(rows: list[Row], path: Path) -> None:
    """Each row's value in parts of its goal: beyond the line is better than asked for."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ratios = [row for row in rows if row.goal]
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(ratios) + 1), layout="constrained")
    parts = [row.value / row.goal if row.at_least else row.goal / row.value for row in ratios]
    colours = [COLOURS[0] if row.met else COLOURS[2] for row in ratios]
    axes.barh([row.told for row in ratios], parts, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("times the goal; beyond the line is better")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
