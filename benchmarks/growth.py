"""`make bench-growth`: the same questions to databases of 10,000, 1,000,000 and 10,000,000 members.

Prints, for each size: the latency of `POST /rooms` (the sizes asked in turn, so that all share the
machine's noise), what is stored, a vacuum, pages, an import, and whether the plans of the hot
statement, of each keyset page and of the autocomplete are index scans. The last column of the
latency is the goal: p99 at the largest size at most 1.3 times that at the smallest.
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
from app.infra.connections import Prepared
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.config import psycopg2_url
from app.domain.analytics.queries import questions
from app.domain.cities.repository import Place
from app.domain.rooms.filters import RoomFilter
from app.domain.rooms.queries import page
from app.infra.database import Database, engine_options
from app.services import build
from benchmarks.importing import timed_import, write_users
from benchmarks.rows import Row
from benchmarks.sides import Side, serving
from model import artifact
from tests.support.databases import Server, Sql, sql_on

SIZES = (10_000, 1_000_000, 10_000_000)
GOAL = 1.3
SLOTS = 65_536
CHUNK = 1_000_000
# People by population: each town has slots by its share of its country's people, hub or hamlet.
MAKE_PLACES = """
    CREATE TEMPORARY TABLE slots AS
    WITH towns AS (
        SELECT id, sum(population) OVER (ORDER BY population DESC, id) AS upto, population,
               sum(population) OVER () AS everybody
        FROM cities WHERE listed AND country_code = 'ES' AND population > 0
    )
    SELECT slot, towns.id AS city_id
    FROM generate_series(0, %(slots)s - 1) AS slot
    JOIN towns ON slot * everybody / %(slots)s >= upto - population
              AND slot * everybody / %(slots)s < upto;
    CREATE TEMPORARY TABLE profiles (slot int, cluster_id int, interests text[]);
"""
MAKE_ROOMS = """
    INSERT INTO rooms (city_id, cluster_id)
    SELECT DISTINCT slots.city_id, profiles.cluster_id FROM slots CROSS JOIN profiles
    ON CONFLICT DO NOTHING
"""
MAKE_MEMBERS = """
    INSERT INTO memberships
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    SELECT 'grown-' || n, slots.city_id, rooms.id, profiles.interests, %(model)s, at, at, at
    FROM generate_series(%(first)s, %(last)s) AS n
    CROSS JOIN LATERAL (SELECT now() - (hashint4(n) & 65535) * interval '8 minute' AS at) AS moment
    JOIN slots ON slots.slot = hashint4(n + 1000000007) & 65535
    JOIN profiles ON profiles.slot = hashint4(n + 2000000011) & 63
    JOIN rooms ON rooms.city_id = slots.city_id AND rooms.cluster_id = profiles.cluster_id
"""

# One in sixteen was moved by a command.
MAKE_CHANGES = """
    INSERT INTO room_changes (user_id, from_room, to_room, reason)
    SELECT user_id, room_id, room_id, 'gather' FROM memberships
    WHERE hashtext(user_id) & 31 < 2;
    ANALYZE
"""
SIZES_OF = """
    SELECT pg_table_size('memberships'), pg_indexes_size('memberships'),
           pg_total_relation_size('room_changes'),
           pg_total_relation_size('room_changes') / (SELECT count(*) FROM room_changes),
           (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
              AND relname NOT IN ('memberships', 'room_changes'))
"""
LARGE_TABLES = {"memberships", "rooms", "cities", "city_names", "place_names", "room_changes"}


def fill(url: str, members: int) -> None:
    """Members in rooms of Spain's towns by population, their profiles at random."""
    model, chance = artifact.load(), random.Random(1)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(MAKE_PLACES, {"slots": SLOTS})
        for slot in range(64):
            ticked = sorted(chance.sample(model.interests, 7))
            cursor.execute(
                "INSERT INTO profiles VALUES (%s, %s, %s)", (slot, model.predict(ticked), ticked)
            )
        cursor.execute(MAKE_ROOMS)
        chunks = range(1, members + 1, CHUNK)
        for first in track(chunks, f"{members:,} members", console=Console(stderr=True)):
            last = min(first + CHUNK - 1, members)
            cursor.execute(MAKE_MEMBERS, {"model": model.id, "first": first, "last": last})
        cursor.execute(MAKE_CHANGES)
    connection.close()


def latencies(urls: dict[int, str], rounds: int) -> dict[int, list[dict[str, float]]]:
    """`POST /rooms` on each size, in turn."""
    with ExitStack() as end:
        sides: dict[int, Side] = {
            size: end.enter_context(serving(url, ["ours"], 8))[0] for size, url in urls.items()
        }
        measured: dict[int, list[dict[str, float]]] = {size: [] for size in sides}
        for number in track(range(rounds + 1), "asking", console=Console(stderr=True)):
            for size in random.sample(list(sides), len(sides)):
                answer = sides[size].ask("/rooms", 8, 2)
                if number:  # the first warms
                    measured[size].append(answer)
    return measured


def timed(ask: Callable[[], object]) -> str:
    """How long it takes, the second time."""
    ask()
    began = time.perf_counter()
    ask()
    return f"{(time.perf_counter() - began) * 1000:.1f} ms"


def stored(sql: Sql, size: int) -> dict[str, str]:
    """What the database holds, and what looking at pages of it costs."""
    ((table, indexes, changes, bytes_a_change, rest),) = sql(SIZES_OF)
    began = time.perf_counter()
    sql("ANALYZE memberships")
    analysed = time.perf_counter() - began
    return {
        "memberships": f"{(table + indexes) / 2**20:,.0f} MB",
        "of it indexes": f"{indexes / 2**20:,.0f} MB",
        "bytes a member": f"{(table + indexes) / size:,.0f}",
        "ANALYZE": f"{analysed:.1f} s",
        "room_changes, one user in 16": f"{changes / 2**20:,.0f} MB",
        "bytes a change": f"{bytes_a_change:,.0f}",
        "all other tables": f"{rest / 2**20:,.0f} MB",
    }


def pages(url: str) -> dict[str, str]:
    """What a page costs in the middle of all rooms, and the answer for the largest room."""
    engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(2, for_commands=True))
    parts = build(Database(engine, 2), artifact.load(), "ES")
    ((middle, largest),) = parts.database.execute(
        "SELECT (min(id) + max(id)) / 2,"
        " (SELECT room_id FROM memberships GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) FROM rooms"
    )
    told = {
        "GET /rooms, a page of 50": timed(lambda: page(parts.database, RoomFilter(), middle, 50)),
        "GET /rooms/<id>, the largest": timed(lambda: parts.rooms.show(largest)),
        "GET /changes, a page of 1,000": timed(lambda: parts.members.changes(0, 1000)),
    }
    parts.database.close()
    return told


def analysts(url: str) -> dict[str, str]:
    """What the analysts' questions take, as their views answer them."""
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


def vacuumed(url: str) -> str:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM memberships")
    connection.close()
    return f"{time.perf_counter() - began:.1f} s"


def imported(url: str, users: int = 50_000) -> str:
    """One more import into it."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "users.csv"
        write_users(path, url, users, seed=7)
        seconds, _, _ = timed_import(path, url)
    return f"{users / seconds:,.0f} users/s"


class Explaining(Database):
    """The application's way to the database, which also notes each statement's plan."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        super().__init__(engine, prepare=False)
        self.plans: list[str] = []

    def execute(self, statement: str | Prepared, parameters: Any = None) -> list[Any]:
        sql = statement.sql if isinstance(statement, Prepared) else statement
        lines = super().execute(f"EXPLAIN {sql}", parameters)
        self.plans.append("\n".join(line for (line,) in lines))
        return super().execute(statement, parameters)


def plans(url: str) -> dict[str, str]:
    """Which tables the hot statement, the pages and the autocomplete read from end to end."""
    engine = sqlalchemy.create_engine(psycopg2_url(url), **engine_options(2))
    database = Explaining(engine)
    parts = build(database, artifact.load(), "ES")
    ((room,),) = sql_on(url)("SELECT max(id) / 2 FROM rooms")
    asked: dict[str, Callable[[], object]] = {
        "join": lambda: parts.assigner.assign("someone", ["surf"], Place("Sevilla")),
        "repeat": lambda: parts.assigner.assign("someone", ["surf"], Place("Sevilla")),
        "GET /rooms": lambda: page(database, RoomFilter(), room, 50),
        "GET /rooms?city=": lambda: page(database, RoomFilter(city_id=2510911), 0, 50),
        "GET /changes": lambda: parts.members.changes(1, 1000),
        "GET /cities, a prefix": lambda: parts.autocomplete.suggest("sevi", 10),
        "GET /cities, a typo": lambda: parts.autocomplete.suggest("granda", 10),
        "GET /cities, a long typo": lambda: parts.autocomplete.suggest("tarragonna", 10),
    }
    told = {}
    for name, ask in asked.items():
        database.plans.clear()
        ask()
        scanned = set(re.findall(r"Seq Scan on (\w+)", "\n".join(database.plans)))
        whole = sorted(scanned & LARGE_TABLES)
        told[f"plan of {name}"] = f"reads all of {', '.join(whole)}" if whole else "index scans"
    database.close()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    server, columns = Server.of_this_run(), {}
    try:
        with ExitStack() as end:
            urls = {size: end.enter_context(server.database()) for size in arguments.sizes}
            for size, url in urls.items():
                fill(url, size)
                columns[size] = {"VACUUM": vacuumed(url)} | stored(sql_on(url), size)
                columns[size] |= pages(url) | plans(url) | analysts(url)
            measured = latencies(urls, arguments.rounds)
            for size, url in urls.items():
                columns[size] |= {"users import": imported(url)}
    finally:
        server.drop_all()
    show(columns, measured)


def show(columns: dict[int, dict[str, str]], measured: dict[int, list[dict[str, float]]]) -> None:
    table = Table("", *(f"{size:,}" for size in columns), box=None)
    for name in ("p50", "p99"):
        medians = [statistics.median(answer[name] for answer in of) for of in measured.values()]
        table.add_row(f"POST /rooms, {name}", *(f"{value * 1000:.1f} ms" for value in medians))
    for name in next(iter(columns.values())):
        table.add_row(name, *(column[name] for column in columns.values()))
    row = ratio(measured)
    Console(width=140).print(table, f"{row.told}: {row.value:.2f} (goal {row.goal}; {row.spread})")


def ratio(measured: dict[int, list[dict[str, float]]]) -> Row:
    """p99 at the largest size to that at the smallest, round by round."""
    small, large = measured[min(measured)], measured[max(measured)]
    ratios = [big["p99"] / little["p99"] for big, little in zip(large, small, strict=True)]
    told = f"p99 of POST /rooms at {max(measured):,} members to that at {min(measured):,}"
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return Row("growth_p99", told, statistics.median(ratios), GOAL, "ratio", False, spread)


if __name__ == "__main__":
    main()
