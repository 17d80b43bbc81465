"""Commands that move people while a join, an import or a whole process is paused.

A lock of another session pauses a statement for as long as the test needs.
"""

import os
import random
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy

from app.assignment import Assigner
from app.config import psycopg2_url
from app.domain.cities.repository import Place
from app.domain.moves import gathering, merging
from app.domain.moves.relocation import CACHES_EXPIRED_AFTER_S, Relocation
from app.domain.runs.admin_runs import record_run
from app.infra.batcher import MAX_CONCURRENT_BATCHES
from app.infra.database import Database
from app.services import build_services
from model.predict import Model
from tests.support.clients import Clients
from tests.support.databases import Sql, direct_url, sql_on
from tests.support.http import profile_of, session
from tests.support.manage import run_manage, start_process
from tests.support.serving import Gunicorn, wait_until
from tests.support.user_files import write_csv

HUB, TOWN, OTHER = "Medina del Campo", "Tordesillas", "Valladolid"
INTERESTS = ["surf"]
CLIENTS = 16
STRAYS = """
    SELECT count(*) FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN city_hosts AS host ON host.city_id = coalesce(member.said_city_id, member.city_id)
    WHERE rooms.city_id <> host.host_id OR host.town_id <> member.city_id
"""
LOCK_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def sql(new_database: str) -> Sql:
    return sql_on(new_database)


@pytest.fixture
def database(new_database: str) -> Iterator[Database]:
    """Connections whose statements never time out."""
    url = psycopg2_url(direct_url(new_database))
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def assigner(database: Database, model: Model) -> Assigner:
    """A process with caches of its own."""
    return build_services(database, model, "ES").assigner


@pytest.fixture
def move(database: Database) -> Callable[..., None]:
    """Run a relocating function as another process; `wait_s`: its wait for caches to expire."""

    def no_progress(step: str, total: int) -> None: ...

    def run(relocate: Any, *arguments: Any, wait_s: float, progress: Any = no_progress) -> None:
        with record_run(database, "test", {}) as recorded:
            relocate(Relocation(database, recorded, "test", progress, wait_s), *arguments)

    return run


def city(sql: Sql, name: str) -> int:
    ((city_id,),) = sql(
        "SELECT id FROM cities WHERE name = %s AND country_code = 'ES' AND listed", (name,)
    )
    return int(city_id)


def gather_town(sql: Sql, assigner: Assigner) -> None:
    """Give the town the hub's rooms, let the process cache them, and leave the town empty."""
    assigner.assign("hub", INTERESTS, Place(HUB, "ES"))
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (city(sql, HUB), city(sql, TOWN)))
    assert assigner.assign("first", INTERESTS, Place(TOWN, "ES")).placement.hub
    sql("DELETE FROM memberships WHERE user_id = 'first'")


@contextmanager
def held(url: str, statement: str) -> Iterator[Any]:
    """Hold the locks of a statement; `rollback` of what is yielded releases them."""
    with closing(psycopg2.connect(direct_url(url))) as holder, holder.cursor() as cursor:
        cursor.execute(statement)
        yield holder


@pytest.mark.parametrize("command", ["release", "merge"])
def test_a_join_that_arrives_after_the_last_sweep_does_not_use_a_room_looked_up_before(
    new_database: str, assigner: Assigner, move: Any, sql: Sql, command: str
) -> None:
    gather_town(sql, assigner)
    town, into = city(sql, TOWN), city(sql, OTHER)
    with (
        ThreadPoolExecutor(1) as threads,
        # Members can be read, and no statement that writes them begins.
        held(new_database, "LOCK TABLE memberships IN SHARE MODE") as holder,
    ):
        joining = threads.submit(assigner.assign, "late", INTERESTS, Place(TOWN, "ES"))
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        if command == "release":
            move(gathering.release, [town], wait_s=CACHES_EXPIRED_AFTER_S)
        else:
            move(merging.merge, town, into, wait_s=CACHES_EXPIRED_AFTER_S)
        assert not joining.done()
        holder.rollback()
        assignment = joining.result()
    assert sql(STRAYS) == [(0,)]
    assert assignment.city.id == (town if command == "release" else into)
    assert assignment.placement.hub is None


def test_a_release_moves_a_member_whose_join_was_in_progress_throughout(
    new_database: str, assigner: Assigner, move: Any, sql: Sql
) -> None:
    gather_town(sql, assigner)
    assigner.assign("late", INTERESTS, Place(OTHER, "ES"))
    town, steps = city(sql, TOWN), set[str]()
    with (
        ThreadPoolExecutor(2) as threads,
        held(new_database, "SELECT FROM memberships WHERE user_id = 'late' FOR UPDATE") as holder,
    ):
        joining = threads.submit(assigner.assign, "late", INTERESTS, Place(TOWN, "ES"))
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        releasing: Future[None] = threads.submit(
            lambda: move(
                gathering.release, [town], wait_s=0.0, progress=lambda step, _: steps.add(step)
            )
        )
        wait_until(lambda: releasing.done() or "waiting for joins in progress" in steps)
        holder.rollback()
        joining.result()
        releasing.result()
    assert sql(STRAYS) == [(0,)]


def test_an_import_that_pauses_during_a_release_leaves_nobody_in_the_hubs_room(
    new_database: str, assigner: Assigner, move: Any, sql: Sql, tmp_path: Path
) -> None:
    gather_town(sql, assigner)
    town = city(sql, TOWN)
    row = {"_id": "imported", "city": TOWN, "country": "ES", "interests": "surf"}
    path = write_csv(tmp_path / "users.csv", [row])
    with (
        ThreadPoolExecutor(1) as threads,
        held(new_database, "LOCK TABLE memberships IN SHARE MODE") as holder,
    ):
        importing = start_process(
            "users", "import", str(path), "--yes", "--json", DATABASE_URL=new_database
        )
        # It has found the room, and waits to write the member.
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        releasing = threads.submit(lambda: move(gathering.release, [town], wait_s=0.0))
        wait_until(lambda: releasing.done() or sql(LOCK_WAITS) == [(2,)])
        holder.rollback()
        assert importing.wait() == 0
        releasing.result()
    assert sql("SELECT city_id FROM memberships WHERE user_id = 'imported'") == [(town,)]
    assert sql(STRAYS) == [(0,)]


def test_a_join_by_a_name_that_was_merged_meanwhile_stores_the_other_city(
    assigner: Assigner, move: Any, sql: Sql, model: Model
) -> None:
    one, other = (profile_of(model, cluster) for cluster in model.cluster_ids[:2])
    wrong = assigner.assign("a", one, Place("Valladolidd", "ES"))
    right = assigner.assign("b", other, Place(OTHER, "ES"))
    move(merging.merge, wrong.city.id, right.city.id, wait_s=0.0)
    # The process has the city of the name in its cache, and has not looked up this cluster's room.
    assignment = assigner.assign("c", other, Place("Valladolidd", "ES"))
    assert assignment.city == right.city
    assert assignment.placement.room_id == right.placement.room_id
    assert sql(STRAYS) == [(0,)]


class TownJoiners(Clients):
    """Clients whose users join rooms of the town, and some of the hub."""

    def run_client(self, client: int) -> None:
        rng = random.Random(client)
        with session() as http:
            while not self.stopping.is_set():
                body = {
                    "_id": f"{client}-{rng.randrange(500)}",
                    "city": rng.choice((TOWN, TOWN, TOWN, HUB)),
                    "country": "ES",
                    "interests": rng.sample(("surf", "movies", "parties", "theaters"), 2),
                }
                status = http.post(f"{self.url}/rooms", json=body).status_code
                self.statuses[status] += 1

    def wait_for_answers(self) -> None:
        """Wait until 100 more requests were answered."""
        answered_before = self.statuses.total()
        wait_until(lambda: self.statuses.total() > answered_before + 100)


# Not by `sql`, which connects each time: joins wait for each other for a tenth of a second only.
JOINS_AT_THE_LOCK = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND relation = 'memberships'::regclass AND NOT granted
"""


def stop_between_lookup_and_join(pid: int, url: str) -> None:
    """Stop a worker when several of its threads have looked a room up and not sent the join."""
    with held(url, "LOCK TABLE memberships IN SHARE MODE") as holder, holder.cursor() as cursor:

        def is_crowded() -> bool:
            cursor.execute(JOINS_AT_THE_LOCK)
            ((joins,),) = cursor.fetchall()
            return bool(joins > MAX_CONCURRENT_BATCHES)

        # A third statement is the first join that gave up its wait for the two in front.
        wait_until(is_crowded)
        os.kill(pid, signal.SIGSTOP)


# So many that gather makes their city a hub.
HUB_MEMBERS = """
    INSERT INTO memberships SELECT (jsonb_populate_record(
        member, jsonb_build_object('user_id', 'old-' || n))).*
    FROM memberships AS member, generate_series(1, 2000) AS n
"""


def test_no_member_is_left_behind_by_a_worker_that_is_stopped_during_a_command(
    serve: Callable[..., Gunicorn], assigner: Assigner, new_database: str, sql: Sql
) -> None:
    assigner.assign("hub", INTERESTS, Place(HUB, "ES"))
    sql(HUB_MEMBERS)
    gunicorn = serve(WEB_CONCURRENCY="1")
    town, hub = str(city(sql, TOWN)), str(city(sql, HUB))
    commands = (
        ("gather", "--min-members", "2000"),
        ("release", town),
        ("merge", town, hub),
        ("unmerge", town),
    )
    with TownJoiners(gunicorn.url, CLIENTS, reads_changes=False) as clients:
        for arguments in commands:
            clients.wait_for_answers()
            (pid,) = re.findall(r"Booting worker with pid: (\d+)", gunicorn.log.read_text())
            stop_between_lookup_and_join(int(pid), new_database)
            try:
                done = run_manage("cities", *arguments, "--yes", DATABASE_URL=new_database)
            finally:
                os.kill(int(pid), signal.SIGCONT)
            assert done.returncode == 0, done.stderr
            clients.wait_for_answers()
            assert sql(STRAYS) == [(0,)], arguments
    assert [row[0] for row in sql("SELECT DISTINCT reason FROM room_changes ORDER BY 1")] == [
        "gather",
        "merge",
        "release",
        "unmerge",
    ]
    # 503: a request that was in the stopped worker for too long.
    assert clients.statuses.keys() <= {200, 201, 503}
