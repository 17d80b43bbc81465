"""`POST /rooms` for new users, as a ratio to the floor measured in the same run.

Each round measures our service and two identical floors, in an order drawn anew. The two floors
differ by the noise of the machine alone: a ratio says no more than their own ratio allows.
"""

import argparse
import random
import statistics
import subprocess
import sys
import uuid
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.conftest import KEY, sql_on
from tests.databases import Server
from tests.serving import Gunicorn

ROOT = Path(__file__).parent.parent
FLOOR = [
    str(Path(sys.executable).parent / "gunicorn"),
    *("-c", "benchmarks/floor.conf.py", "benchmarks.floor:app"),
]


def measure(server: Gunicorn, connections: int, seconds: float) -> float:
    """Answers a second."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.load", str(server.port), str(connections)),
            *(str(seconds), uuid.uuid4().hex[:8], KEY),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def start(url: str, threads: int) -> dict[str, Gunicorn]:
    """Ours and two floors, each one worker with a thread for each connection."""
    given = {"DATABASE_URL": url, "WEB_CONCURRENCY": "1", "WEB_THREADS": str(threads)}
    ours = Gunicorn(given | {"API_KEYS": KEY})
    sql = sql_on(url)
    ((city,),) = sql(
        "INSERT INTO cities (name, name_key) VALUES ('Floor', 'floor of the benchmark')"
        " RETURNING id"
    )
    ((room,),) = sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1) RETURNING id", (city,))
    ((model,),) = sql("SELECT id FROM models")
    floor = given | {"FLOOR_CITY": str(city), "FLOOR_ROOM": str(room), "FLOOR_MODEL": model}
    servers = {"ours": ours}
    for name in ("floor", "floor again"):
        servers[name] = Gunicorn(floor, FLOOR)
    return servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with Server.of_this_run().database() as url:
        servers = start(url, arguments.connections)
        try:
            for server in servers.values():
                measure(server, arguments.connections, 1)
            for _ in track(range(arguments.rounds), "measuring", console=Console(stderr=True)):
                for name in random.sample(list(servers), len(servers)):
                    rate = measure(servers[name], arguments.connections, arguments.seconds)
                    rates.setdefault(name, []).append(rate)
        finally:
            for server in servers.values():
                server.stop()
    report(rates, arguments.connections)


def report(rates: dict[str, list[float]], connections: int) -> None:
    """Print each server's median, and its ratio to the floor, round by round."""
    table = Table(
        "POST /rooms, new users", "answers/s", "ratio to floor", "spread of the ratio", box=None
    )
    for name, measured in rates.items():
        ratios = [mine / floor for mine, floor in zip(measured, rates["floor"], strict=True)]
        table.add_row(
            f"{name}, {connections} connections",
            f"{statistics.median(measured):.0f}",
            f"{statistics.median(ratios):.3f}",
            f"{min(ratios):.3f} to {max(ratios):.3f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
