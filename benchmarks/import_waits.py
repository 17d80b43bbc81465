"""How long a join waits for an import, at the worst.

While manage.py imports a file, somebody joins, one after another, the very users whose chunk is
landing or is next: in each other's way as seldom happens by chance.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor

from app.members.importing import CHUNK
from app.members.joins import joining
from benchmarks.importing import user_id, write_users
from benchmarks.rows import Row
from benchmarks.sides import floor_environment
from tests.cli.test_manage import ROOT
from tests.conftest import KEY
from tests.databases import Server

USERS = 400_000
MOST_MS = 100
SEED = 1
LANDED = "SELECT coalesce((counts ->> 'read')::int, 0) FROM admin_runs ORDER BY id DESC LIMIT 1"


def waits_ms(server: Server, users: int) -> list[float]:
    """Of each join, in ms."""
    with tempfile.TemporaryDirectory() as place, server.database() as url:
        path = Path(place) / "users.csv"
        write_users(path, url, users, SEED)
        room = floor_environment(url)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "users", "import", str(path), "--yes"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "API_KEYS": KEY, "DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                measured = list(_joins(cursor, process, users, room))
        assert process.wait() == 0
        return measured


def _joins(
    cursor: Cursor, process: "subprocess.Popen[bytes]", users: int, room: dict[str, str]
) -> Iterator[float]:
    chance, statement = random.Random(SEED), joining().sql
    while process.poll() is None:
        cursor.execute(LANDED)
        found = cursor.fetchone()
        if not found:
            continue
        for _ in range(20):
            given = {
                "user0": user_id(SEED, min(found[0] + chance.randrange(2 * CHUNK), users - 1)),
                "city0": int(room["FLOOR_CITY"]),
                "room0": int(room["FLOOR_ROOM"]),
                "interests0": ["surf"],
                "model0": room["FLOOR_MODEL"],
                "now0": datetime.now(UTC),
            }
            began = time.perf_counter()
            cursor.execute(statement, given)
            yield (time.perf_counter() - began) * 1000


def rows() -> list[Row]:
    """The longest."""
    measured = sorted(waits_ms(Server.of_this_run(), USERS))
    spread = f"of {len(measured):,} joins; half of them up to {measured[len(measured) // 2]:.1f} ms"
    told = "longest that a join waited for an import of its very user"
    return [Row("import_wait", told, measured[-1], MOST_MS, "ms", at_least=False, spread=spread)]
