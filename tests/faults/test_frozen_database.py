"""A database that answers nothing, while its kernel acknowledges all packets: requests are bounded.

No timeout of PostgreSQL, TCP or libpq ends a statement there: see app/infra/connection_watchdog.py.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import requests
import sqlalchemy
from sqlalchemy import event

from app.config import psycopg2_url
from app.infra.database import (
    CONNECT_TIMEOUT_S,
    MAX_STATEMENT_S,
    Database,
    DatabaseUnavailable,
    engine_options,
)
from tests.support.databases import Sql
from tests.support.load_clients import LoadClients
from tests.support.postgres import Postgres
from tests.support.service import Service
from tests.support.serving import wait_until

# What docs/deploy.md promises.
MAX_WAIT_S = 8.0
MAX_LIVEZ_S = 1.0
MAX_RECOVERY_S = 3.0
POOL_SIZE = 5

Open = Callable[[], Database]


@pytest.fixture
def open_database(database: str) -> Iterator[Open]:
    """Open the application's Database, without the service."""
    with ExitStack() as stack:

        def open_() -> Database:
            engine = sqlalchemy.create_engine(psycopg2_url(database), **engine_options(POOL_SIZE))
            stack.callback(engine.dispose)
            return Database(engine)

        yield open_


def fail_concurrently(database: Database, callers: int) -> list[float]:
    """Return the seconds after which each of concurrent statements failed."""

    def fail(_: int) -> float:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            database.execute("SELECT 1")
        return time.monotonic() - began

    with ThreadPoolExecutor(callers) as pool:
        return [*pool.map(fail, range(callers))]


def is_answered(database: Database) -> bool:
    with suppress(DatabaseUnavailable):
        return database.execute("SELECT 1") == [(1,)]
    return False


def fill_pool(database: Database) -> None:
    with ThreadPoolExecutor(POOL_SIZE) as pool:
        [*pool.map(lambda _: database.execute("SELECT pg_sleep(0.2)"), range(POOL_SIZE))]


def test_while_the_server_is_frozen_each_request_ends_and_the_service_stays_live(
    postgres: Postgres, service: Service, database: str
) -> None:
    def get(path: str, timeout: float) -> int:
        return requests.get(f"{service.url}{path}", timeout=timeout).status_code

    with LoadClients(service.url) as clients, ThreadPoolExecutor(1) as pool:
        clients.wait_for_joins()
        with postgres.frozen():
            ready = pool.submit(get, "/readyz", MAX_WAIT_S)
            # So many that each client has been refused more than once.
            wait_until(
                lambda: (
                    get("/livez", MAX_LIVEZ_S) == 200
                    and clients.refused["503"] > 2 * len(clients.waits_s)
                )
            )
            assert ready.result() == 503
        assert clients.recovery_s(time.monotonic()) < MAX_RECOVERY_S
    print(f"\nlongest wait {clients.longest_wait_s:.1f} s")
    assert clients.longest_wait_s < MAX_WAIT_S
    assert clients.faults == []
    assert clients.lost_users(database) == set()


def test_frozen_connections_hold_one_statement_and_then_all_are_replaced(
    postgres: Postgres, open_database: Open
) -> None:
    database = open_database()
    fill_pool(database)
    with postgres.frozen(postgres.backends()):
        assert max(fail_concurrently(database, 1)) < MAX_WAIT_S
        began = time.monotonic()
        fill_pool(database)
        assert time.monotonic() - began < MAX_RECOVERY_S


def test_the_first_statements_on_a_new_connection_are_bounded_too(
    postgres: Postgres, open_database: Open
) -> None:
    database = open_database()

    def freeze(connection: Any, place: object) -> None:
        postgres.freeze({connection.get_backend_pid()})

    event.listen(database.engine, "connect", freeze, insert=True)
    try:
        # The second caller's statements wait for the first one's.
        assert max(fail_concurrently(database, 2)) < MAX_WAIT_S
    finally:
        postgres.thaw()
    event.remove(database.engine, "connect", freeze)
    assert database.execute("SELECT 1") == [(1,)]


def test_callers_do_not_try_one_after_another_to_connect_to_a_frozen_server(
    postgres: Postgres, open_database: Open
) -> None:
    database = open_database()
    with postgres.frozen():
        waits_s = fail_concurrently(database, 4 * POOL_SIZE)
    print(f"\nlongest wait {max(waits_s):.1f} s")
    assert max(waits_s) < CONNECT_TIMEOUT_S + 1.5
    wait_until(lambda: is_answered(database))


def test_a_commit_that_waits_for_a_lost_standby_is_bounded_and_not_repeated(
    postgres: Postgres, open_database: Open, sql: Sql
) -> None:
    database = open_database()
    sql("CREATE TABLE attempts (number int)")
    postgres.configure("synchronous_standby_names", "'lost'")
    attempts = 0
    is_acknowledged = True
    while is_acknowledged:  # the server takes a moment to apply the setting
        began = time.monotonic()
        attempts += 1
        try:
            database.execute("INSERT INTO attempts VALUES (%(number)s)", {"number": attempts})
        except DatabaseUnavailable:
            is_acknowledged = False
    assert MAX_STATEMENT_S < time.monotonic() - began < MAX_WAIT_S
    postgres.configure("synchronous_standby_names", None)
    # The server did commit, on its own.
    wait_until(lambda: sql("SELECT count(*) FROM attempts") == [(attempts,)])
    assert sql("SELECT count(DISTINCT number) FROM attempts") == [(attempts,)]
