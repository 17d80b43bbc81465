"""`users import` against a raw COPY of the same rows into the same indexed table.

Makes a CSV of users (seeded; Spain's towns by population, interests at random), imports it with
manage.py into one database, copies the resulting rows into the indexed, constrained table of
another, and prints both times, their ratio, and the import's peak memory.
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

GOAL = 2.5
MOST_MB = 300
TICKED = 0.3


def user_id(seed: int, row: int) -> str:
    """The id in a row of the file, from 0."""
    return f"{seed:08x}{row:016x}"


def write_users(path: Path, url: str, users: int, seed: int) -> None:
    """A user base as an app would export it: an id, a typed city, a column for each interest."""
    chance, model = np.random.default_rng(seed), artifact.load()
    towns = sql_on(url)(
        "SELECT name, population FROM cities WHERE listed AND country_code = 'ES' ORDER BY id"
    )
    people = np.array([population for _, population in towns], float)
    cities = chance.choice(len(towns), users, p=people / people.sum())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["_id", "city", "country", *model.interests])
        for first in range(0, users, 10_000):
            number = min(10_000, users - first)
            ticks = (chance.random((number, len(model.interests))) < TICKED).astype(int)
            ticks[ticks.sum(axis=1) == 0, 0] = 1  # everybody ticked something
            writer.writerows(
                (user_id(seed, first + row), towns[cities[first + row]][0], "ES", *ticks[row])
                for row in range(number)
            )


def timed_import(path: Path, url: str) -> tuple[float, float, str]:
    """Seconds, peak memory in MB, and the last line."""
    command = ("users", "import", str(path), "--yes")
    began = time.perf_counter()
    process = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=url)
    peak = peak_mb(process)
    assert process.stdout is not None
    told = process.stdout.read()
    assert process.returncode == 0, told
    return time.perf_counter() - began, peak, told.splitlines()[-1]


def timed_copy(source: str, target: str) -> float:
    """Seconds to COPY all memberships into an empty database's table, with all its constraints."""
    rows, rooms = io.BytesIO(), io.BytesIO()
    with psycopg2.connect(source) as connection, connection.cursor() as cursor:
        cursor.copy_expert("COPY rooms TO STDOUT", rooms)
        cursor.copy_expert("COPY memberships TO STDOUT", rows)
    connection.close()
    sink: Any = psycopg2.connect(target)
    rows.seek(0)
    rooms.seek(0)
    with sink, sink.cursor() as cursor:
        cursor.copy_expert("COPY rooms FROM STDIN", rooms)
        began = time.perf_counter()
        cursor.copy_expert("COPY memberships FROM STDIN", rows)
    took = time.perf_counter() - began
    sink.close()
    return took


@dataclass(frozen=True)
class Measured:
    """Seconds of both over all turns, the import's peak memory in MB, what it said last."""

    users: int
    imported: float
    copied: float
    peak_mb: float
    told: str

    @property
    def ratio(self) -> float:
        return self.imported / self.copied


def measure(server: Server, users: int, seed: int = 1) -> Measured:
    """Import into one database, then copy what it made into another; and all of it once more, since
    disks are busy with other things in waves. Times are the sums of both."""
    once, again = (_measure(server, users, seed + turn) for turn in range(2))
    return Measured(
        users,
        once.imported + again.imported,
        once.copied + again.copied,
        max(once.peak_mb, again.peak_mb),
        again.told,
    )


def _measure(server: Server, users: int, seed: int) -> Measured:
    with (
        tempfile.TemporaryDirectory() as place,
        server.database() as ours,
        server.database() as raw,
    ):
        path = Path(place) / "users.csv"
        write_users(path, ours, users, seed)
        # What one left to be written must not slow the other down.
        server.execute("CHECKPOINT")
        seconds, memory, told = timed_import(path, ours)
        server.execute("CHECKPOINT")
        return Measured(users, seconds, timed_copy(ours, raw), memory, told)


def rows() -> list[Row]:
    """Time and memory of 1,000,000 users, twice."""
    done = measure(Server.of_this_run(), 1_000_000)
    spread = f"{done.imported:.0f} s to {done.copied:.0f} s, both twice"
    told = "users import of 1,000,000, to a raw COPY of the same rows"
    ratio = Row("import", told, done.ratio, GOAL, "ratio", at_least=False, spread=spread)
    peak = Row("import_memory", "its peak memory", done.peak_mb, MOST_MB, "MB", at_least=False)
    return [ratio, peak]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    server = Server.of_this_run()
    done = measure(server, arguments.users, arguments.seed)
    server.drop_all()
    table = Table("", "seconds", box=None)
    table.add_row(f"users import, {done.users:,} users", f"{done.imported:.1f}")
    table.add_row("raw COPY of the same rows", f"{done.copied:.1f}")
    Console(width=100).print(
        table,
        f"ratio {done.ratio:.2f} (goal {GOAL}); peak {done.peak_mb:.0f} MB; {done.told};"
        f" load average {os.getloadavg()[0]:.1f}",
    )


if __name__ == "__main__":
    main()
