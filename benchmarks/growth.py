"""`make bench-growth`: the same queries on databases of 10,000, 1,000,000 and 10,000,000 members.

Prints, for each size: the latency of `POST /rooms` (measured in alternation, so that all sizes
share the machine's noise), sizes on disk, a vacuum, pages, an import, and whether the plans of the
hot statement, of each keyset page and of the autocomplete are index scans. The goal is a p99 at the
largest size of at most 1.3 times that at the smallest.

At the end a room with a tenth as many members is added, 1,000,000 at the largest size: see
benchmarks/room_members.py.
"""

import argparse
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.config import psycopg2_url
from app.domain.analytics.queries import questions
from app.domain.cities.city import Place
from app.domain.moves.change_feed import list_changes
from app.domain.rooms.filters import RoomFilter
from app.domain.rooms.queries import page
from app.infra.database import Database, PreparedStatement, engine_options
from app.services import build_services
from benchmarks.importing import timed_import, write_users
from benchmarks.room_members import member_pages
from benchmarks.rows import Row
from benchmarks.variants import Variant, running
from model import artifact
from tests.support.databases import Server, Sql, sql_on

SIZES = (10_000, 1_000_000, 10_000_000)
MAX_RATIO = 1.3
CONNECTIONS = 8
ROUND_S = 2
# Both are powers of 2: CREATE_MEMBERS masks hashes with them.
SLOTS = 65_536
PROFILES = 64
CHUNK_SIZE = 1_000_000
# Each town has slots by its share of the country's population.
CREATE_SLOTS = """
    CREATE TEMPORARY TABLE slots AS
    WITH towns AS (
        SELECT id, sum(population) OVER (ORDER BY population DESC, id) AS upto, population,
               sum(population) OVER () AS total
        FROM cities WHERE listed AND country_code = 'ES' AND population > 0
    )
    SELECT slot, towns.id AS city_id
    FROM generate_series(0, %(slots)s - 1) AS slot
    JOIN towns ON slot * total / %(slots)s >= upto - population
              AND slot * total / %(slots)s < upto;
    CREATE TEMPORARY TABLE profiles (slot int, cluster_id int, interests text[]);
"""
CREATE_ROOMS = """
    INSERT INTO rooms (city_id, cluster_id)
    SELECT DISTINCT slots.city_id, profiles.cluster_id FROM slots CROSS JOIN profiles
    ON CONFLICT DO NOTHING
"""
CREATE_MEMBERS = """
    INSERT INTO memberships
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    SELECT 'grown-' || n, slots.city_id, rooms.id, profiles.interests, %(model)s, at, at, at
    FROM generate_series(%(first)s, %(last)s) AS n
    CROSS JOIN LATERAL (SELECT now() - (hashint4(n) & 65535) * interval '8 minute' AS at) AS moment
    JOIN slots ON slots.slot = hashint4(n + 1000000007) & 65535
    JOIN profiles ON profiles.slot = hashint4(n + 2000000011) & 63
    JOIN rooms ON rooms.city_id = slots.city_id AND rooms.cluster_id = profiles.cluster_id
"""

# One member in sixteen was moved by a command.
CREATE_CHANGES = """
    INSERT INTO room_changes (user_id, from_room, to_room, reason)
    SELECT user_id, room_id, room_id, 'gather' FROM memberships
    WHERE hashtext(user_id) & 31 < 2;
    ANALYZE
"""
DISK_SIZES = """
    SELECT pg_table_size('memberships'), pg_indexes_size('memberships'),
           pg_total_relation_size('room_changes'),
           pg_total_relation_size('room_changes') / (SELECT count(*) FROM room_changes),
           (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
              AND relname NOT IN ('memberships', 'room_changes'))
"""
LARGE_TABLES = {"memberships", "rooms", "cities", "city_names", "place_names", "room_changes"}


def fill(url: str, members: int) -> None:
    """Create members in rooms of Spain's towns by population, with random interests."""
    model, rng = artifact.load(), random.Random(1)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(CREATE_SLOTS, {"slots": SLOTS})
        for slot in range(PROFILES):
            keys = sorted(rng.sample(model.interests, 7))
            cursor.execute(
                "INSERT INTO profiles VALUES (%s, %s, %s)", (slot, model.predict(keys), keys)
            )
        cursor.execute(CREATE_ROOMS)
        chunks = range(1, members + 1, CHUNK_SIZE)
        for first in track(chunks, f"{members:,} members", console=Console(stderr=True)):
            last = min(first + CHUNK_SIZE - 1, members)
            cursor.execute(CREATE_MEMBERS, {"model": model.id, "first": first, "last": last})
        cursor.execute(CREATE_CHANGES)
    connection.close()


def latencies(urls: dict[int, str], rounds: int) -> dict[int, list[dict[str, float]]]:
    """Return the latencies of `POST /rooms` by size and round, after a round of warm-up."""
    with ExitStack() as stack:
        variants: dict[int, Variant] = {
            size: stack.enter_context(running(url, ["service"], CONNECTIONS))[0]
            for size, url in urls.items()
        }
        by_size: dict[int, list[dict[str, float]]] = {size: [] for size in variants}
        for number in track(range(rounds + 1), "POST /rooms", console=Console(stderr=True)):
            for size in random.sample(list(variants), len(variants)):
                latency = variants[size].load("/rooms", CONNECTIONS, ROUND_S)
                if number:
                    by_size[size].append(latency)
    return by_size


def timed(call: Callable[[], object]) -> str:
    """Return the duration of a call's second run."""
    call()
    began = time.perf_counter()
    call()
    return f"{(time.perf_counter() - began) * 1000:.1f} ms"


def disk_sizes(sql: Sql, size: int) -> dict[str, str]:
    """Return sizes on disk, and the duration of ANALYZE."""
    ((table, indexes, changes, bytes_per_change, rest),) = sql(DISK_SIZES)
    began = time.perf_counter()
    sql("ANALYZE memberships")
    analyze_s = time.perf_counter() - began
    return {
        "memberships": f"{(table + indexes) / 2**20:,.0f} MB",
        "of which indexes": f"{indexes / 2**20:,.0f} MB",
        "bytes per member": f"{(table + indexes) / size:,.0f}",
        "ANALYZE": f"{analyze_s:.1f} s",
        "room_changes, one member in 16": f"{changes / 2**20:,.0f} MB",
        "bytes per change": f"{bytes_per_change:,.0f}",
        "all other tables": f"{rest / 2**20:,.0f} MB",
    }


def pages(url: str) -> dict[str, str]:
    """Return the durations of a page in the middle of all rooms, of the largest room, and of
    changes."""
    engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(2, for_commands=True))
    services = build_services(Database(engine), artifact.load(), "ES")
    database = services.database
    ((middle, largest),) = database.execute(
        "SELECT (min(id) + max(id)) / 2,"
        " (SELECT room_id FROM memberships GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) FROM rooms"
    )
    durations = {
        "GET /rooms, a page of 50": timed(lambda: page(database, RoomFilter(), middle, 50)),
        "GET /rooms/<id>, the largest": timed(lambda: services.rooms.show(largest)),
        "GET /changes, a page of 1,000": timed(lambda: list_changes(database, 0, 1000)),
    }
    database.close()
    return durations


def analysts_questions(url: str) -> dict[str, str]:
    """Return the durations of the analysts' questions: the median and the slowest."""
    sql, seconds = sql_on(url), {}
    for question in track(questions(), "analysts' questions", console=Console(stderr=True)):
        began = time.perf_counter()
        sql(question.sql)
        seconds[question.name] = time.perf_counter() - began
    slowest, median = max(seconds, key=seconds.__getitem__), statistics.median(seconds.values())
    return {
        f"analysts' {len(seconds)} questions, median": f"{median:.2f} s",
        "the slowest of them": f"{seconds[slowest]:.1f} s ({slowest})",
    }


def timed_vacuum(url: str) -> str:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM memberships")
    connection.close()
    return f"{time.perf_counter() - began:.1f} s"


def import_rate(url: str, users: int = 50_000) -> str:
    """Return the users a second of one more import."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "users.csv"
        write_users(path, url, users, seed=7)
        seconds, _, _ = timed_import(path, url)
    return f"{users / seconds:,.0f} users/s"


class ExplainingDatabase(Database):
    """A Database that also records each statement's plan."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        super().__init__(engine, prepare=False)
        self.plans: list[str] = []

    def execute(
        self, statement: str | PreparedStatement, parameters: Any = None, settings: str = ""
    ) -> list[Any]:
        sql = statement.sql if isinstance(statement, PreparedStatement) else statement
        lines = super().execute(f"EXPLAIN {sql}", parameters)
        self.plans.append("\n".join(line for (line,) in lines))
        return super().execute(statement, parameters, settings)


def plans(url: str) -> dict[str, str]:
    """Return the large tables that the hot statement, pages and autocomplete scan sequentially."""
    engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(2))
    database = ExplainingDatabase(engine)
    services = build_services(database, artifact.load(), "ES")
    ((room,),) = sql_on(url)("SELECT max(id) / 2 FROM rooms")
    calls: dict[str, Callable[[], object]] = {
        "join": lambda: services.assigner.assign("someone", ["surf"], Place("Sevilla")),
        "repeat": lambda: services.assigner.assign("someone", ["surf"], Place("Sevilla")),
        "GET /rooms": lambda: page(database, RoomFilter(), room, 50),
        "GET /rooms?city=": lambda: page(database, RoomFilter(city_id=2510911), 0, 50),
        "GET /changes": lambda: list_changes(database, 1, 1000),
        "GET /cities, a prefix": lambda: services.autocomplete.suggest("sevi", 10),
        "GET /cities, a typo": lambda: services.autocomplete.suggest("granda", 10),
        "GET /cities, a long typo": lambda: services.autocomplete.suggest("tarragonna", 10),
    }
    results = {}
    for name, call in calls.items():
        database.plans.clear()
        call()
        scanned = set(re.findall(r"Seq Scan on (\w+)", "\n".join(database.plans)))
        large = sorted(scanned & LARGE_TABLES)
        results[f"plan of {name}"] = f"scans {', '.join(large)}" if large else "index scans"
    database.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    server, columns = Server.shared(), {}
    try:
        with ExitStack() as stack:
            urls = {size: stack.enter_context(server.database()) for size in arguments.sizes}
            for size, url in urls.items():
                fill(url, size)
                columns[size] = {"VACUUM": timed_vacuum(url)}
                columns[size] |= disk_sizes(sql_on(url), size)
                columns[size] |= pages(url) | plans(url) | analysts_questions(url)
            by_size = latencies(urls, arguments.rounds)
            for size, url in urls.items():
                columns[size] |= {"users import": import_rate(url)} | member_pages(url, size)
    finally:
        server.drop_all()
    show(columns, by_size)


def show(columns: dict[int, dict[str, str]], by_size: dict[int, list[dict[str, float]]]) -> None:
    table = Table("", *(f"{size:,}" for size in columns), box=None)
    for name in ("p50", "p99"):
        medians = [statistics.median(r[name] for r in rounds) for rounds in by_size.values()]
        table.add_row(f"POST /rooms, {name}", *(f"{value * 1000:.1f} ms" for value in medians))
    for name in next(iter(columns.values())):
        table.add_row(name, *(column[name] for column in columns.values()))
    row = p99_ratio(by_size)
    Console(width=140).print(table, f"{row.label}: {row.value:.2f} (goal {row.goal}; {row.note})")


def p99_ratio(by_size: dict[int, list[dict[str, float]]]) -> Row:
    """Return the median ratio, over rounds, of the p99 at the largest size to the smallest."""
    smallest, largest = min(by_size), max(by_size)
    pairs = zip(by_size[largest], by_size[smallest], strict=True)
    ratios = [large["p99"] / small["p99"] for large, small in pairs]
    label = f"p99 of POST /rooms at {largest:,} members to that at {smallest:,}"
    note = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return Row("growth_p99", label, statistics.median(ratios), MAX_RATIO, "ratio", False, note)


if __name__ == "__main__":
    main()
