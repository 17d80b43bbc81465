"""How long a join waits for an import, at the worst.

While manage.py imports a file, somebody joins, one after another, the very users whose chunk is
landing or is next: in each other's way as seldom happens by chance.
"""

import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy

from app.config import psycopg2_url
from app.domain.imports.importer import CHUNK_SIZE
from app.domain.members.joins import Join, joins
from app.infra.database import Database, engine_options
from benchmarks.importing import user_id, write_users
from benchmarks.rows import Row
from benchmarks.sides import floor_environment
from tests.support.databases import Server
from tests.support.manage import start_process

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
        process = start_process("users", "import", str(path), "--yes", DATABASE_URL=url)
        engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(1))
        with closing(Database(engine)) as database:
            measured = list(_joins(database, process, users, room))
        assert process.wait() == 0
        return measured


def _joins(
    database: Database, process: "subprocess.Popen[str]", users: int, room: dict[str, str]
) -> Iterator[float]:
    chance, join = random.Random(SEED), joins(database)
    place = int(room["FLOOR_CITY"]), int(room["FLOOR_ROOM"]), ["surf"], room["FLOOR_MODEL"]
    while process.poll() is None:
        found = database.execute(LANDED)
        if not found:
            continue
        for _ in range(20):
            user = user_id(SEED, min(found[0][0] + chance.randrange(2 * CHUNK_SIZE), users - 1))
            began = time.perf_counter()
            join(Join(user, *place, datetime.now(UTC)))
            yield (time.perf_counter() - began) * 1000


def rows() -> list[Row]:
    """The longest."""
    measured = sorted(waits_ms(Server.of_this_run(), USERS))
    spread = f"of {len(measured):,} joins; half of them up to {measured[len(measured) // 2]:.1f} ms"
    told = "longest that a join waited for an import of its very user"
    return [Row("import_wait", told, measured[-1], MOST_MS, "ms", at_least=False, spread=spread)]
