"""`users import` compared with a raw COPY of the same rows into the same indexed table.

Writes a CSV of users (random with a seed: Spain's towns by population, random interests), imports
it with manage.py into one database, copies the resulting rows into the indexed, constrained table
of another, and prints both times, their ratio, and the import's peak memory.
"""

import argparse
import csv
import io
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
from rich.console import Console
from rich.table import Table

from benchmarks.memory import peak_mb
from benchmarks.rows import Row
from model import artifact
from tests.support.databases import Server, sql_on
from tests.support.manage import start_process

MAX_RATIO = 2.5
MAX_MEMORY_MB = 300
SELECTED_SHARE = 0.3
ROWS_PER_WRITE = 10_000


def user_id(seed: int, row: int) -> str:
    """Return the id in a row of the file, counted from 0."""
    return f"{seed:08x}{row:016x}"


def write_users(path: Path, url: str, users: int, seed: int) -> None:
    """Write a CSV as an app would export it: an id, a typed city, a column for each interest."""
    rng, model = np.random.default_rng(seed), artifact.load()
    towns = sql_on(url)(
        "SELECT name, population FROM cities WHERE listed AND country_code = 'ES' ORDER BY id"
    )
    populations = np.array([population for _, population in towns], float)
    cities = rng.choice(len(towns), users, p=populations / populations.sum())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["_id", "city", "country", *model.interests])
        for first in range(0, users, ROWS_PER_WRITE):
            count = min(ROWS_PER_WRITE, users - first)
            selected = (rng.random((count, len(model.interests))) < SELECTED_SHARE).astype(int)
            selected[selected.sum(axis=1) == 0, 0] = 1  # a row without interests is rejected
            writer.writerows(
                (user_id(seed, first + row), towns[cities[first + row]][0], "ES", *selected[row])
                for row in range(count)
            )


def timed_import(path: Path, url: str) -> tuple[float, float, str]:
    """Import a file; return seconds, peak memory in MB, and the last line of the output."""
    command = ("users", "import", str(path), "--yes")
    began = time.perf_counter()
    process = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=url)
    peak = peak_mb(process)
    assert process.stdout is not None
    output = process.stdout.read()
    assert process.returncode == 0, output
    return time.perf_counter() - began, peak, output.splitlines()[-1]


def timed_copy(source: str, target: str) -> float:
    """Copy all memberships into an empty database's table with its constraints; return seconds."""
    memberships, rooms = io.BytesIO(), io.BytesIO()
    with psycopg2.connect(source) as connection, connection.cursor() as cursor:
        cursor.copy_expert("COPY rooms TO STDOUT", rooms)
        cursor.copy_expert("COPY memberships TO STDOUT", memberships)
    connection.close()
    sink: Any = psycopg2.connect(target)
    memberships.seek(0)
    rooms.seek(0)
    with sink, sink.cursor() as cursor:
        cursor.copy_expert("COPY rooms FROM STDIN", rooms)
        began = time.perf_counter()
        cursor.copy_expert("COPY memberships FROM STDIN", memberships)
    duration = time.perf_counter() - began
    sink.close()
    return duration


@dataclass(frozen=True)
class Measurement:
    """Seconds of both, the import's peak memory in MB, and the last line of its output."""

    users: int
    import_s: float
    copy_s: float
    peak_mb: float
    summary: str

    @property
    def ratio(self) -> float:
        return self.import_s / self.copy_s


def measure(server: Server, users: int, seed: int = 1) -> Measurement:
    """Measure both twice, and return the sums of the times: other load on disks comes in waves."""
    first, second = (_measure(server, users, seed + number) for number in range(2))
    return Measurement(
        users,
        first.import_s + second.import_s,
        first.copy_s + second.copy_s,
        max(first.peak_mb, second.peak_mb),
        second.summary,
    )


def _measure(server: Server, users: int, seed: int) -> Measurement:
    with (
        tempfile.TemporaryDirectory() as directory,
        server.database() as imported,
        server.database() as copied,
    ):
        path = Path(directory) / "users.csv"
        write_users(path, imported, users, seed)
        # Without the checkpoints, pages that one has not written yet would slow the other down.
        server.execute("CHECKPOINT")
        seconds, memory, summary = timed_import(path, imported)
        server.execute("CHECKPOINT")
        return Measurement(users, seconds, timed_copy(imported, copied), memory, summary)


def rows() -> list[Row]:
    """Return the rows of time and memory, of 1,000,000 users twice."""
    result = measure(Server.shared(), 1_000_000)
    note = f"{result.import_s:.0f} s to {result.copy_s:.0f} s, both twice"
    label = "users import of 1,000,000, to a raw COPY of the same rows"
    ratio = Row("import", label, result.ratio, MAX_RATIO, "ratio", at_least=False, note=note)
    label = "peak memory of users import"
    peak = Row("import_memory", label, result.peak_mb, MAX_MEMORY_MB, "MB", at_least=False)
    return [ratio, peak]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    server = Server.shared()
    result = measure(server, arguments.users, arguments.seed)
    server.drop_all()
    table = Table("", "seconds", box=None)
    table.add_row(f"users import, {result.users:,} users", f"{result.import_s:.1f}")
    table.add_row("raw COPY of the same rows", f"{result.copy_s:.1f}")
    Console(width=100).print(
        table,
        f"ratio {result.ratio:.2f} (goal {MAX_RATIO}); peak {result.peak_mb:.0f} MB; "
        f"{result.summary}; load average {os.getloadavg()[0]:.1f}",
    )


if __name__ == "__main__":
    main()
