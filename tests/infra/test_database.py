"""One statement at a time, on connections that remember what they prepared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.members.repository import Members
from app.infra.database import Database, engine_options
from tests.support.databases import past_pooler

Open = Callable[..., Database]


@pytest.fixture
def open_database(database_url: str) -> Iterator[Open]:
    """The application's own way to the database, with one connection and a session of its own."""
    url = psycopg2_url(past_pooler(database_url))
    with ExitStack() as end:

        def opened(**options: Any) -> Database:
            engine = sqlalchemy.create_engine(url, **engine_options(1))
            database = Database(engine, **options)
            end.callback(database.close)
            return database

        yield opened


def stand(database: Database, user: str = "nobody") -> None:
    assert Members(database).find_placement(user, 1, ["surf"], datetime.now(UTC)) is None


def prepared(database: Database) -> list[str]:
    rows = database.execute("SELECT name FROM pg_prepared_statements")
    return [name for (name,) in rows]


def test_a_connection_prepares_a_statement_once_for_all_users(open_database: Open) -> None:
    database = open_database()
    for user in ("a", "b", "c"):
        stand(database, user)
    assert prepared(database) == ["find_placement"]
    ((calls,),) = database.execute(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
        " WHERE name = 'find_placement'"
    )
    assert calls == 3


def test_a_session_that_was_reset_under_us_is_begun_anew(open_database: Open) -> None:
    database = open_database()
    stand(database)
    database.execute("DEALLOCATE ALL")
    stand(database)
    assert prepared(database) == ["find_placement"]


def test_behind_a_pooler_by_transaction_nothing_is_prepared(open_database: Open) -> None:
    database = open_database(prepare=False)
    stand(database)
    assert prepared(database) == []


def test_what_is_no_sql_value_leaves_the_connection_good(open_database: Open) -> None:
    database = open_database()
    with pytest.raises(Exception, match="adapt"):
        database.execute("SELECT %(what)s", {"what": object()})
    assert database.execute("SELECT 1") == [(1,)]
