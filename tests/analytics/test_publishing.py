"""Publications beside requests and each other: by upkeep, by the command, held up and killed."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy
from flask.testing import FlaskClient

from app.config import psycopg2_url
from app.domain.analytics import view_settings
from app.domain.analytics.publication import publish
from app.domain.upkeep import publish_figures
from app.infra.database import (
    LOCK_TIMEOUT_MS,
    MAX_STATEMENT_S,
    Database,
    DatabaseUnavailable,
    engine_options,
)
from tests.support.analysts import add_members, all_views
from tests.support.databases import DELETE_ALL, Sql, sql_on
from tests.support.http import place
from tests.support.manage import add_room, run_manage
from tests.support.serving import Gunicorn, wait_until

# The last statement of a publication sleeps.
HOLD = """
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep({seconds}); RETURN new; END $$;
    CREATE TRIGGER hold BEFORE INSERT ON publications FOR EACH ROW EXECUTE FUNCTION hold()
"""
RELEASE = "DROP FUNCTION hold CASCADE"
HELD = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


@pytest.fixture(autouse=True)
def settings(sql: Sql) -> Iterator[None]:
    sql(DELETE_ALL)
    yield
    sql(DELETE_ALL)
    sql("INSERT INTO analytics_settings VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET min_group = 5")


@contextmanager
def held_publication(
    sql: Sql, work: Callable[[], Any], seconds: float = 60
) -> Iterator[Future[Any]]:
    """Run a publication in a thread; in the block its last statement is in progress."""
    sql(HOLD.format(seconds=seconds))
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            wait_until(lambda: bool(sql(HELD)))
            try:
                yield future
            finally:
                end_held(sql)
    finally:
        sql(RELEASE)


def end_held(sql: Sql) -> None:
    sql(f"SELECT pg_terminate_backend(pid) FROM ({HELD}) AS held")


def test_of_two_processes_that_publish_at_once_one_does(sql: Sql, database: Database) -> None:
    add_members(sql, 100)
    with held_publication(sql, lambda: publish(database), seconds=1) as first:
        assert publish(database) == "another process is publishing"
        assert publish(database, dry_run=True) == "another process is publishing"
        assert first.result() == ""
    assert len(sql("SELECT * FROM analytics.publications")) == 1
    sql("DELETE FROM published; DELETE FROM publications")
    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(lambda _: publish(database), range(8)))
    assert reasons.count("") == 1


def test_a_publication_that_fails_changes_nothing(sql: Sql, database: Database) -> None:
    add_members(sql, 100)
    publish(database)
    sql("UPDATE analytics_settings SET min_group = 7")
    before = all_views(sql)
    with held_publication(sql, lambda: publish(database)) as future:
        end_held(sql)
        with pytest.raises(DatabaseUnavailable):
            future.result()
    assert all_views(sql) == before
    assert publish(database) == ""
    assert all_views(sql) != before


def test_joins_erasures_and_merges_go_on_during_a_publication(
    sql: Sql, client: FlaskClient, database: Database, database_url: str
) -> None:
    add_members(sql, 100)
    place(client, _id="leaving", city="Vila Nova")
    _, city = add_room(database_url, 1)
    with held_publication(sql, lambda: publish(database)) as future:
        place(client, _id="new")
        place(client, _id="new", city="Madrid")
        assert client.delete("/users/leaving").status_code == 204
        for command in (f"cities merge {city} 2510911", "cities gather", "users forget new"):
            done = run_manage(*command.split(), "--yes", DATABASE_URL=database_url)
            assert done.returncode == 0, done.stderr
        assert not future.done()


def test_a_worker_with_one_connection_serves_during_a_publication(
    sql: Sql, database_url: str
) -> None:
    add_members(sql, 100)
    engine = sqlalchemy.create_engine(psycopg2_url(database_url), **engine_options(1))
    database = Database(engine)
    with held_publication(sql, lambda: publish_figures(database)):
        (row,) = database.execute("SELECT count(*) AS members FROM memberships")
        assert row.members == 100
    database.close()


def test_a_release_during_a_publication_waits_if_it_changes_the_minimum(
    sql: Sql, database: Database
) -> None:
    add_members(sql, 100)
    longer_s = LOCK_TIMEOUT_MS / 1000 + 1
    with held_publication(sql, lambda: publish(database), longer_s) as future:
        view_settings.write_settings(database, 5)
        assert not future.done()
        view_settings.write_settings(database, 7)
        assert future.result() == ""
    assert sql("SELECT min_group FROM analytics_settings") == [(7,)]


def test_the_service_publishes_however_long_it_takes(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    sql = sql_on(new_database)
    add_members(sql, 100)
    sql(HOLD.format(seconds=MAX_STATEMENT_S + 1))
    server = serve(WEB_CONCURRENCY="2")
    wait_until(lambda: sql("SELECT members FROM analytics.rooms") == [(100,)], server.log.read_text)
    assert len(sql("SELECT * FROM analytics.publications")) == 1


def test_the_command_publishes_once_and_is_recorded(sql: Sql, database_url: str) -> None:
    def command(*options: str) -> str:
        done = run_manage("analysts", "publish", *options, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    add_members(sql, 100)
    assert command("--dry-run") == "A publication is due; nothing was changed\n"
    assert json.loads(command("--dry-run", "--json")) == {"is_due": True, "reason": None}
    assert sql("SELECT * FROM analytics.publications") == []
    assert command("--yes") == "Published.\n"
    assert sql("SELECT members FROM analytics.rooms") == [(100,)]
    reason = f"all days before {datetime.now(UTC):%Y-%m-%d} are published"
    assert command("--yes") == f"Nothing is due: {reason}.\n"
    assert json.loads(command("--yes", "--json")) == {"is_published": False, "reason": reason}
    assert sql("SELECT command, finished_at IS NOT NULL FROM admin_runs") == [
        ("analysts publish", True)
    ]
