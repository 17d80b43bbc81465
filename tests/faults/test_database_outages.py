"""Database outages: 503 in bounded time, and recovery without a restart of the service."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import requests
import sqlalchemy
from sqlalchemy import text

from app.config import Settings, psycopg2_url
from app.infra.database import (
    IDLE_IN_TRANSACTION_TIMEOUT_MS,
    LOCK_TIMEOUT_MS,
    STATEMENT_TIMEOUT_MS,
    Database,
    DatabaseUnavailable,
    engine_options,
)
from model.predict import Model
from tests.support.databases import Sql
from tests.support.http import session
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import wait_until

MAX_RECOVERY_S = 2.0
# For a response that needs only a refused connection.
MAX_REFUSAL_S = 2.0
# What a response may take in addition to a timeout.
SLACK_S = 1.5
BODY = {"_id": "first", "city": "Fault Town", "interests": ["movies"]}


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    """One database for all outages."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="module")
def service(database: str) -> Iterator[Service]:
    """One service for all outages: it must recover from each without a restart."""
    service = Service(database)
    yield service
    service.kill()


@pytest.fixture
def http(service: Service, postgres: Postgres) -> Iterator[requests.Session]:
    """A client of a service whose database works, before and after the test."""
    with session() as http:
        wait_until(lambda: bool(join(http, service).ok))
        yield http
    postgres.restore()


def join(http: requests.Session, service: Service, user: str = "first", **changed: Any) -> Any:
    return http.post(f"{service.url}/rooms", json=BODY | {"_id": user} | changed, timeout=15)


def join_on_all_connections(service: Service) -> set[int]:
    """Return the statuses of so many concurrent joins that both workers fill their pools."""
    connections = WORKERS * Settings().pool_size

    def join_once(number: int) -> int:
        with session() as http:
            return int(join(http, service, f"one-of-many-{number}").status_code)

    with ThreadPoolExecutor(4 * connections) as pool:
        return {*pool.map(join_once, range(12 * connections))}


def assert_unavailable(response: requests.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.headers["Retry-After"] == "1"
    if not response.url.endswith("/readyz"):
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["type"] == "urn:nomad-rooms:unavailable"
        assert response.json()["request_id"] == response.headers["X-Request-ID"]
    for word in ("psycopg", "sqlalchemy", "SELECT", "INSERT", "127.0.0.1", "FATAL", "Traceback"):
        assert word not in response.text


def assert_recovered(http: requests.Session, service: Service, moment: float) -> None:
    """Assert that the service works within 2 s of a moment, and on all its connections."""
    wait_until(lambda: bool(join(http, service).ok))
    assert time.monotonic() - moment <= MAX_RECOVERY_S
    assert join_on_all_connections(service) <= {200, 201}


def test_without_its_database_the_service_answers_503_at_once_and_recovers_with_it(
    postgres: Postgres, service: Service, http: requests.Session, model: Model
) -> None:
    room = join(http, service).json()["room_id"]
    assert join_on_all_connections(service) == {200}
    postgres.stop()
    for _ in range(8):
        for send in (
            lambda: join(http, service, "second"),
            lambda: http.get(f"{service.url}/rooms/{room}", timeout=15),
            lambda: http.get(f"{service.url}/users/first", timeout=15),
            lambda: http.get(f"{service.url}/readyz", timeout=15),
        ):
            began = time.monotonic()
            assert_unavailable(send())
            assert time.monotonic() - began < MAX_REFUSAL_S
    interests = {key: key == "movies" for key in model.interests}
    cluster = http.post(f"{service.url}/cluster", json={"_id": "x", "interests": interests})
    assert cluster.status_code == 200, cluster.text
    assert http.get(f"{service.url}/livez", timeout=15).status_code == 200
    assert_recovered(http, service, postgres.start())


def test_requests_after_a_restart_get_no_connection_from_before(
    postgres: Postgres, service: Service, http: requests.Session
) -> None:
    assert join_on_all_connections(service) == {200}
    # Connections end with a message, are reset, or just die.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        before = postgres.backends()
        assert len(before) > WORKERS
        postgres.stop(number)
        postgres.start()
        assert join_on_all_connections(service) == {200}
        assert not before & postgres.backends()


def test_a_database_that_turned_read_only_is_503_and_its_connections_are_closed(
    postgres: Postgres, service: Service, http: requests.Session, sql: Sql
) -> None:
    room = join(http, service).json()["room_id"]
    assert join_on_all_connections(service) == {200}
    before = postgres.backends()
    postgres.configure("default_transaction_read_only", "on")
    wait_until(lambda: sql("SHOW default_transaction_read_only") == [("on",)])
    assert_unavailable(join(http, service, "unlucky"))
    # Reads still succeed, as on a standby.
    assert http.get(f"{service.url}/rooms/{room}", timeout=15).status_code == 200
    # Kept connections would tie the service to the demoted server until its next restart.
    wait_until(
        lambda: join_on_all_connections(service) == {503} and not before & postgres.backends()
    )
    assert sql("SELECT count(*) FROM memberships WHERE user_id = 'unlucky'") == [(0,)]
    postgres.configure("default_transaction_read_only", None)
    wait_until(lambda: sql("SHOW default_transaction_read_only") == [("off",)])
    assert_recovered(http, service, time.monotonic())


def test_a_server_without_free_connections_is_503_until_one_is_free(
    postgres: Postgres, service: Service, http: requests.Session
) -> None:
    taken = postgres.take_all_connections()
    try:
        for _ in range(8):
            began = time.monotonic()
            assert_unavailable(join(http, service, "second"))
            assert_unavailable(http.get(f"{service.url}/readyz", timeout=15))
            assert time.monotonic() - began < MAX_REFUSAL_S
    finally:
        for connection in taken:
            connection.close()
    # The server counts a connection until its process has ended.
    wait_until(postgres.has_free_connections)
    assert_recovered(http, service, time.monotonic())


@pytest.mark.parametrize(
    "lock",
    [
        "UPDATE memberships SET updated_at = updated_at WHERE user_id = 'first'",
        "LOCK TABLE memberships IN EXCLUSIVE MODE",
    ],
    ids=["of the user's row", "of the table"],
)
def test_a_join_that_waits_for_a_lock_is_503_and_writes_nothing(
    lock: str, postgres: Postgres, service: Service, http: requests.Session, sql: Sql
) -> None:
    join(http, service, "elsewhere", city="Other Town")
    stored = sql("SELECT * FROM memberships ORDER BY user_id")
    with closing(postgres.connect(sql("SELECT current_database()")[0][0])) as admin:
        admin.autocommit = False
        admin.cursor().execute(lock)
        began = time.monotonic()
        assert_unavailable(join(http, service, city="Other Town"))
        assert time.monotonic() - began < LOCK_TIMEOUT_MS / 1000 + SLACK_S
        assert sql("SELECT * FROM memberships ORDER BY user_id") == stored
        admin.rollback()
    assert_recovered(http, service, time.monotonic())


@pytest.fixture
def app_database(database: str) -> Iterator[Database]:
    """The application's Database, with one connection."""
    engine = sqlalchemy.create_engine(psycopg2_url(database), **engine_options(1))
    app_database = Database(engine)
    yield app_database
    app_database.close()


def test_a_statement_past_its_timeout_is_cancelled_and_its_connection_stays_usable(
    app_database: Database,
) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        app_database.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < STATEMENT_TIMEOUT_MS / 1000 + SLACK_S
    assert app_database.execute("SELECT 1") == [(1,)]


def test_an_idle_transaction_is_ended_and_its_locks_are_released(
    app_database: Database, postgres: Postgres, sql: Sql
) -> None:
    ((limit,),) = app_database.execute("SHOW idle_in_transaction_session_timeout")
    assert limit == f"{IDLE_IN_TRANSACTION_TIMEOUT_MS // 1000}s"

    def stay_idle() -> None:
        with app_database.transaction() as connection:
            backend = connection.scalar(text("SELECT pg_backend_pid()"))
            # The real timeout would take too long here.
            connection.execute(text("SET idle_in_transaction_session_timeout = 200"))
            connection.execute(text("LOCK TABLE memberships"))
            wait_until(lambda: backend not in postgres.backends())
            # Blocks until the lock is released: an administrator's session has no lock timeout.
            sql("SELECT count(*) FROM memberships")
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        stay_idle()
    assert app_database.execute("SELECT 1") == [(1,)]
