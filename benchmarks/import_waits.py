"""The longest wait of a join for an import, in the worst case.

While manage.py imports a file, joins of users of the chunk that is being written, and of the next
one, run one after another: they conflict far more often than by chance.
"""

import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy

from app.config import psycopg2_url
from app.domain.imports.importer import CHUNK_SIZE
from app.domain.members.joins import Join
from app.domain.members.repository import Members
from app.infra.database import Database, engine_options
from benchmarks.importing import user_id, write_users
from benchmarks.rows import Row
from benchmarks.variants import baseline_environment
from tests.support.databases import Server
from tests.support.manage import start_process

USERS = 400_000
MAX_WAIT_MS = 100
SEED = 1
READ_ROWS = """
    SELECT coalesce((counts ->> 'read')::int, 0) AS read FROM admin_runs ORDER BY id DESC LIMIT 1
"""


def waits_ms(server: Server, users: int) -> list[float]:
    """Return the duration of each join in ms."""
    with tempfile.TemporaryDirectory() as directory, server.database() as url:
        path = Path(directory) / "users.csv"
        write_users(path, url, users, SEED)
        room = baseline_environment(url)
        process = start_process("users", "import", str(path), "--yes", DATABASE_URL=url)
        engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(1))
        with closing(Database(engine)) as database:
            durations = list(_join(database, process, users, room))
        assert process.wait() == 0
        return durations


def _join(
    database: Database, process: "subprocess.Popen[str]", users: int, room: dict[str, str]
) -> Iterator[float]:
    rng, join = random.Random(SEED), Members(database).join
    city_id, room_id = int(room["BASELINE_CITY"]), int(room["BASELINE_ROOM"])
    while process.poll() is None:
        runs = database.execute(READ_ROWS)
        if not runs:
            continue
        for _ in range(20):
            user = user_id(SEED, min(runs[0].read + rng.randrange(2 * CHUNK_SIZE), users - 1))
            now = datetime.now(UTC)
            began = time.perf_counter()
            valid_until = now + timedelta(minutes=1)
            model_id = room["BASELINE_MODEL"]
            join(Join(user, city_id, city_id, room_id, ["surf"], model_id, now, valid_until))
            yield (time.perf_counter() - began) * 1000


def rows() -> list[Row]:
    """Return the row of the longest wait."""
    durations = sorted(waits_ms(Server.shared(), USERS))
    note = f"of {len(durations):,} joins; median {durations[len(durations) // 2]:.1f} ms"
    label = "longest join during an import of the same user"
    return [Row("import_wait", label, durations[-1], MAX_WAIT_MS, "ms", at_least=False, note=note)]
