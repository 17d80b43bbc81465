"""`make bench-peers`: compares `POST /rooms` with what people would pick instead.

Every server is measured as it ships (one port, two workers) and pinned (two ports, one worker
each), in interleaved rounds: see benchmarks/peers/__init__.py and benchmarks/interleaved_rounds.py.
Then requests arrive at random at 10, 50 and 80 % of the service's capacity.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from rich.console import Console
from rich.progress import track

from benchmarks.footprint import first_response_s, proportional_kib
from benchmarks.interleaved_rounds import run_rounds
from benchmarks.peers import report
from benchmarks.peers.arrivals import run_arrivals
from benchmarks.peers.report import Results, variant_name
from benchmarks.peers.servers import (
    COMMANDS,
    OURS,
    PINNED,
    SHIPPED,
    missing_reason,
    start,
    start_layout,
)
from benchmarks.peers.variants import MeteredVariant, find_pgbench, pgbench
from benchmarks.rows import show
from benchmarks.variants import Variant
from tests.support.databases import migrate
from tests.support.postgres import Postgres

STDERR = Console(stderr=True)
CONNECTIONS = (8, 32)
# A second, identical server shows what the method can resolve.
CONTROL = ("ours again, pinned", variant_name(OURS, PINNED))
# Servers of both layouts are connected at the same time.
MAX_DATABASE_CONNECTIONS = 300
STARTS = 5
# Linux: 1 if each session of processes gets the same share of the processors.
AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")
# Of a server's first load, as a multiple of --seconds: Node compiles for its first 10,000 requests.
WARM_UP_LENGTH = 8
# Of the rounds with arrivals, which are longer and fewer: a 99.9th percentile needs thousands.
ARRIVAL_ROUNDS_SHARE, ARRIVAL_LENGTH = 0.2, 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="maximum")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a server in a round")
    parser.add_argument("--peers", nargs="*", choices=[*COMMANDS, "pgbench"], metavar="PEER")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    if AUTOGROUP.exists() and AUTOGROUP.read_text().strip() == "1":
        STDERR.print(
            "kernel.sched_autogroup_enabled is on, which favours what has more sessions: see "
            "docs/scale.md",
            highlight=False,
        )
    peers = available_peers(arguments.peers or [*COMMANDS, "pgbench"])
    with database() as (url, process):
        results = measure(url, process, peers, arguments.rounds, arguments.seconds)
    rows = report.goals(results)
    if arguments.json:
        document = report.document(results) | {"goals": {row.name: row.document() for row in rows}}
        print(json.dumps(document, indent=2))
    else:
        report.show_results(results)
        show(rows)
    return 0 if all(row.is_met for row in rows) else 1


def available_peers(names: list[str]) -> list[str]:
    """Install the peers, and print a line for each that cannot run here."""
    available = []
    for name in names:
        reason = missing_reason(name) if name in COMMANDS else None
        if name == "pgbench" and not find_pgbench():
            reason = "it is not installed"
        if reason:
            STDERR.print(f"skipped {name}: {reason}", highlight=False)
        else:
            available.append(name)
    return available


@contextmanager
def database() -> Iterator[tuple[str, psutil.Process]]:
    """Yield a migrated database on a server of its own, and the server's first process."""
    with TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory), f"max_connections={MAX_DATABASE_CONNECTIONS}")
        try:
            postgres.execute("CREATE DATABASE peers")
            migrate(postgres.url("peers"))
            assert postgres.process is not None
            yield postgres.url("peers"), psutil.Process(postgres.process.pid)
        finally:
            postgres.stop()


def measure(
    url: str, database: psutil.Process, peers: list[str], rounds: int, seconds: float
) -> Results:
    """Start everything and measure it."""
    servers = [OURS, *(name for name in peers if name in COMMANDS)]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        variants: dict[str, Variant] = {}
        layouts = [(name, layout) for layout in (PINNED, SHIPPED) for name in servers]
        names = [(variant_name(name, layout), name, layout) for name, layout in layouts]
        for key, name, layout in [*names, (CONTROL[0], OURS, PINNED)]:
            started = start_layout(name, layout, url, directory, stack)
            variants[key] = MeteredVariant(key, started, database)
        if "pgbench" in peers:
            variants["pgbench"] = pgbench(str(find_pgbench()), url, directory, database)
        for variant in track(variants.values(), "warming up", transient=True, console=STDERR):
            variant.load("/rooms", max(CONNECTIONS), seconds * WARM_UP_LENGTH)
        run = partial(run_rounds, list(variants.values()), "/rooms", control=CONTROL)
        results = Results(
            servers,
            {count: run(count, seconds=seconds, max_rounds=rounds) for count in CONNECTIONS},
        )
        shipped = {name: variants[variant_name(name, SHIPPED)] for name in servers}
        capacity = statistics.median(results.closed[32].values(variant_name(OURS, SHIPPED)))
        arrival_rounds = max(2, round(rounds * ARRIVAL_ROUNDS_SHARE))
        results.arrivals = run_arrivals(
            list(shipped.values()), capacity, arrival_rounds, seconds * ARRIVAL_LENGTH
        )
        results.memory_kib = {
            name: sum(proportional_kib(server.process.pid) for server in variant.gunicorns)
            for name, variant in shipped.items()
        }
        results.starts_s = start_times(servers, url, directory)
    return results


def start_times(servers: list[str], url: str, directory: Path) -> dict[str, list[float]]:
    """Return the seconds of alternating starts; the first of each only warms the disk."""
    times: dict[str, list[float]] = {name: [] for name in servers}
    for number in track(range(STARTS + 1), "starts", transient=True, console=STDERR):
        for name in servers:
            begin = partial(start, name, SHIPPED, url, directory)
            seconds = first_response_s(begin, "/rooms")
            if number:
                times[name].append(seconds)
    return times


if __name__ == "__main__":
    sys.exit(main())
