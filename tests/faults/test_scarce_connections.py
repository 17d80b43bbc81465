"""A server with fewer free connections than the pool's size: callers share those that are open."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from prometheus_client import REGISTRY

from app.config import psycopg2_url
from app.infra.database import Database, engine_options
from tests.support.postgres import MAX_CONNECTIONS, Postgres
from tests.support.scarcity import COUNT, free_connections
from tests.support.serving import wait_until

POOL_SIZE = 5
CALLERS = 4 * POOL_SIZE


@pytest.fixture
def app_database(database: str) -> Iterator[Database]:
    """The application's Database, without the service."""
    engine = sqlalchemy.create_engine(psycopg2_url(database), **engine_options(POOL_SIZE))
    yield Database(engine)
    engine.dispose()


def test_a_caller_for_whom_no_connection_can_be_opened_waits_for_another_callers(
    postgres: Postgres, app_database: Database
) -> None:
    def waits() -> float:
        return REGISTRY.get_sample_value("nomad_rooms_database_waits_total") or 0

    before = waits()
    with free_connections(postgres, 2), ThreadPoolExecutor(CALLERS) as pool:
        statements = pool.map(
            app_database.execute, ["SELECT 1 FROM pg_sleep(0.02)"] * (5 * CALLERS)
        )
        assert [*statements] == [[(1,)]] * (5 * CALLERS)
    assert waits() > before


def test_a_lost_connection_that_cannot_be_replaced_does_not_hide_those_that_work(
    postgres: Postgres, app_database: Database
) -> None:
    with free_connections(postgres, 2) as ask:
        with ThreadPoolExecutor(2) as pool:
            [*pool.map(app_database.execute, ["SELECT pg_sleep(0.2)"] * 2)]
        # The connection used last is the pool's first choice.
        ((first,),) = app_database.execute("SELECT pg_backend_pid()")
        ask(f"SELECT pg_terminate_backend({first}, 5000)::int")
        wait_until(lambda: ask(COUNT) == MAX_CONNECTIONS - 1)
        taker = postgres.connect()
        backends = {app_database.execute("SELECT pg_backend_pid()")[0][0] for _ in range(5)}
        taker.close()
    assert len(backends - {first}) == len(backends) == 1
