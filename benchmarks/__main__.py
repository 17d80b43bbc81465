"""`make bench`: measures every goal of the service, and writes a table, a picture and JSON.

Throughput, memory and start-up time are ratios within the run; counts are absolute. Each module
says what its rows are compared with. `--only NAME` measures some of them.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from app.config import INSTANCE
from app.infra.plotting import COLOURS
from benchmarks import faults, footprint, import_waits, importing, throughput
from benchmarks.rows import Row, show
from tests.support.databases import Server

# Each takes the URL of a database and the maximum number of rounds.
BENCHMARKS: dict[str, Callable[[str, int], list[Row]]] = {
    "rooms": lambda url, rounds: [
        throughput.rooms(url, 8, rounds)[0],
        throughput.rooms(url, 32, rounds)[0],
        throughput.group_commit(url, 8, rounds),
        throughput.group_commit(url, 32, rounds),
    ],
    "cluster": lambda url, rounds: throughput.cluster(url, rounds)[0],
    "footprint": lambda url, rounds: footprint.rows(url),
    "import": lambda url, rounds: importing.rows() + import_waits.rows(),
    "faults": lambda url, rounds: faults.rows(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=30, help="maximum, for throughput")
    arguments = parser.parse_args()
    console, rows = Console(stderr=True), []
    server = Server.shared()
    try:
        for name in arguments.only:
            console.print(f"measuring: {name}")
            with server.database() as url:
                rows += BENCHMARKS[name](url, arguments.rounds)
    finally:
        server.drop_all()
    write(rows, INSTANCE / "bench.json")
    draw(rows, INSTANCE / "bench.png")
    show(rows)
    return 0 if all(row.is_met for row in rows) else 1


def write(rows: list[Row], path: Path) -> None:
    """Write the rows as JSON; earlier rows that were not measured now are kept."""
    documents = json.loads(path.read_text()) if path.exists() else {}
    documents |= {row.name: row.document() for row in rows}
    path.write_text(json.dumps(documents, indent=2) + "\n")


def draw(rows: list[Row], path: Path) -> None:
    """Draw each value as a multiple of its goal, so that a longer bar is better."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in rows if row.goal]
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(rows) + 1), layout="constrained")
    multiples = [row.value / row.goal if row.at_least else row.goal / row.value for row in rows]
    colours = [COLOURS[0] if row.is_met else COLOURS[2] for row in rows]
    axes.barh([row.label for row in rows], multiples, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("multiple of the goal (longer is better)")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
