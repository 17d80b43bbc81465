"""Database.execute: prepared statements, stale sessions and values without an SQL type."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.members.repository import Members
from app.infra.database import Database, engine_options
from tests.support.databases import direct_url

Open = Callable[..., Database]


@pytest.fixture
def open_database(database_url: str) -> Iterator[Open]:
    """Open a Database with one connection, without the pooler."""
    url = psycopg2_url(direct_url(database_url))
    with ExitStack() as stack:

        def open_(**options: Any) -> Database:
            engine = sqlalchemy.create_engine(url, **engine_options(1))
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


def test_behind_a_pooler_in_transaction_mode_nothing_is_prepared(open_database: Open) -> None:
    database = open_database(prepare=False)
    find_placement(database)
    assert prepared_names(database) == []


def test_a_value_without_an_sql_type_leaves_the_database_usable(open_database: Open) -> None:
    database = open_database()
    with pytest.raises(Exception, match="adapt"):
        database.execute("SELECT %(value)s", {"value": object()})
    assert database.execute("SELECT 1") == [(1,)]
