"""Database.execute: prepared statements, stale sessions, bounds, values without an SQL type."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
import sqlalchemy
from prometheus_client import REGISTRY

from app.config import psycopg2_url
from app.domain.members.repository import Members
from app.infra.database import (
    MAX_STATEMENT_S,
    Conflict,
    Database,
    DatabaseUnavailable,
    LockTimeout,
    NotRegistered,
    StatementTimeout,
    engine_options,
)
from tests.support.databases import Sql, direct_url

Open = Callable[..., Database]


@pytest.fixture
def open_database(database_url: str) -> Iterator[Open]:
    """Open a Database with one connection, without the pooler."""
    url = psycopg2_url(direct_url(database_url))
    with ExitStack() as stack:

        def open_(*, for_commands: bool = False, **options: Any) -> Database:
            settings = engine_options(1, for_commands=for_commands)
            engine = sqlalchemy.create_engine(url, **settings)
            database = Database(engine, **options)
            stack.callback(database.close)
            return database

        yield open_


def find_placement(database: Database, user: str = "unknown") -> None:
    assert Members(database).find_placement(user, 1, ["surf"], datetime.now(UTC)) is None


def prepared_names(database: Database) -> list[str]:
    rows = database.execute("SELECT name FROM pg_prepared_statements")
    return [name for (name,) in rows]


def test_a_connection_prepares_a_statement_once_for_all_users(open_database: Open) -> None:
    database = open_database()
    for user in ("a", "b", "c"):
        find_placement(database, user)
    assert prepared_names(database) == ["find_placement"]
    ((calls,),) = database.execute(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
        " WHERE name = 'find_placement'"
    )
    assert calls == 3


def test_a_session_that_a_pooler_reset_is_replaced(open_database: Open) -> None:
    database = open_database()
    find_placement(database)
    database.execute("DEALLOCATE ALL")
    find_placement(database)
    assert prepared_names(database) == ["find_placement"]


def test_a_session_that_the_server_closed_after_a_transaction_is_replaced(
    open_database: Open, sql: Sql
) -> None:
    database = open_database()
    with database.transaction() as connection:
        session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    sql("SELECT pg_terminate_backend(%s, 5000)", (session,))
    assert database.execute("SELECT 1 AS one")[0].one == 1


def test_behind_a_pooler_in_transaction_mode_nothing_is_prepared(open_database: Open) -> None:
    database = open_database(prepare=False)
    find_placement(database)
    assert prepared_names(database) == []


def test_a_value_without_an_sql_type_leaves_the_database_usable(open_database: Open) -> None:
    database = open_database()
    with pytest.raises(Exception, match="adapt"):
        database.execute("SELECT %(value)s", {"value": object()})
    assert database.execute("SELECT 1") == [(1,)]


def faults() -> float:
    return REGISTRY.get_sample_value("nomad_rooms_database_faults_total") or 0


def test_a_statement_that_the_server_does_not_end_is_ended_but_not_a_commands(
    open_database: Open,
) -> None:
    serving, commanding = open_database(), open_database(for_commands=True)
    # As on a server that is frozen, no timeout of PostgreSQL ends the statement.
    serving.execute("SET statement_timeout = 0")
    before = faults()
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(commanding.execute, f"SELECT 1 FROM pg_sleep({MAX_STATEMENT_S + 2})")
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            serving.execute("SELECT pg_sleep(60)")
        assert MAX_STATEMENT_S < time.monotonic() - began < MAX_STATEMENT_S + 2
        assert faults() == before + 1
        assert serving.execute("SELECT 1") == [(1,)]
        assert command.result() == [(1,)]


def test_a_timeout_that_a_statement_shortens_is_no_fault_of_the_database(
    open_database: Open, database_url: str
) -> None:
    database = open_database()
    read = "SELECT count(*) FROM memberships"
    before = faults()
    with psycopg2.connect(database_url) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE memberships")
        with pytest.raises(LockTimeout):
            database.execute(read, settings="lock_timeout = '50ms'")
        with pytest.raises(StatementTimeout):
            database.execute("SELECT pg_sleep(60)", settings="statement_timeout = '50ms'")
        assert faults() == before
        with pytest.raises(LockTimeout):
            database.execute(read)
        assert faults() == before + 1
    assert database.execute("SHOW lock_timeout") == [("3s",)]


@pytest.mark.parametrize(
    ("name", "exception"),
    [
        ("fk_memberships_model_id_models_102022", NotRegistered),
        ("fk_rooms_cluster_id_clusters", NotRegistered),
        ("fk_memberships_room_id_rooms_102022", Conflict),
    ],
)
def test_a_foreign_key_that_only_the_message_names_is_read(
    open_database: Open, name: str, exception: type[Exception]
) -> None:
    message = f'insert or update on table "memberships_102022" violates constraint "{name}"'
    fail = f"DO $$ BEGIN RAISE '{message}' USING ERRCODE = 'foreign_key_violation'; END $$"
    with pytest.raises(exception, match=name.removesuffix("_102022")):
        open_database().execute(fail)


def test_a_node_that_dies_within_a_statement_is_an_unavailable_database(
    open_database: Open,
) -> None:
    message = "failure on connection marked as essential: 10.0.0.2:5432"  # from Citus
    fail = f"DO $$ BEGIN RAISE '{message}' USING ERRCODE = 'internal_error'; END $$"
    with pytest.raises(DatabaseUnavailable, match="InternalError"):
        open_database().execute(fail)
