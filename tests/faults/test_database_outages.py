"""The database goes, comes back, refuses and waits: 503 in bounded time, and back by itself."""

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
from tests.faults.conftest import released
from tests.support.databases import Sql
from tests.support.http import session
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import until

BACK_S = 2.0
# For an answer that waits for nothing but the refusal of a connection.
AT_ONCE_S = 2.0
# What a bounded wait may take on top of the bound.
SLACK_S = 1.5
BODY = {"_id": "first", "city": "Fault Town", "interests": ["movies"]}


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    """One database for all outages."""
    with released(postgres) as url:
        yield url


@pytest.fixture(scope="module")
def service(database: str) -> Iterator[Service]:
    """One service for all outages: none is to take a restart to get over."""
    server = Service(database)
    yield server
    server.end()


@pytest.fixture
def http(service: Service, postgres: Postgres) -> Iterator[requests.Session]:
    """A client, on a database that is well before and after."""
    with session() as made:
        until(lambda: bool(join(made, service).ok))
        yield made
    postgres.restore()


def join(http: requests.Session, service: Service, user: str = "first", **changed: Any) -> Any:
    return http.post(f"{service.url}/rooms", json=BODY | {"_id": user} | changed, timeout=15)


def crowd(service: Service) -> set[int]:
    """The statuses of so many joins at once that both workers use every connection they may."""
    connections = WORKERS * Settings().pool_size

    def ask(number: int) -> int:
        with session() as http:
            return int(join(http, service, f"one-of-many-{number}").status_code)

    with ThreadPoolExecutor(4 * connections) as pool:
        return {*pool.map(ask, range(12 * connections))}


def assert_unavailable(response: requests.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.headers["Retry-After"] == "1"
    if not response.url.endswith("/readyz"):
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["type"] == "urn:nomad-rooms:unavailable"
        assert response.json()["request_id"] == response.headers["X-Request-ID"]
    for word in ("psycopg", "sqlalchemy", "SELECT", "INSERT", "127.0.0.1", "FATAL", "Traceback"):
        assert word not in response.text


def assert_back(http: requests.Session, service: Service, moment: float) -> None:
    """The service serves within 2 s of a moment, and from then on over all its connections."""
    until(lambda: bool(join(http, service).ok))
    assert time.monotonic() - moment <= BACK_S
    assert crowd(service) <= {200, 201}


def test_without_its_database_the_service_says_so_at_once_and_is_back_with_it(
    postgres: Postgres, service: Service, http: requests.Session, model: Model
) -> None:
    room = join(http, service).json()["room_id"]
    assert crowd(service) == {200}
    postgres.stop()
    for _ in range(8):
        for ask in (
            lambda: join(http, service, "second"),
            lambda: http.get(f"{service.url}/rooms/{room}", timeout=15),
            lambda: http.get(f"{service.url}/users/first", timeout=15),
            lambda: http.get(f"{service.url}/readyz", timeout=15),
        ):
            began = time.monotonic()
            assert_unavailable(ask())
            assert time.monotonic() - began < AT_ONCE_S
    interests = {key: key == "movies" for key in model.interests}
    cluster = http.post(f"{service.url}/cluster", json={"_id": "x", "interests": interests})
    assert cluster.status_code == 200, cluster.text
    assert http.get(f"{service.url}/livez", timeout=15).status_code == 200
    assert_back(http, service, postgres.start())


def test_requests_after_a_restart_do_not_meet_the_connections_of_before(
    postgres: Postgres, service: Service, http: requests.Session
) -> None:
    assert crowd(service) == {200}
    # Said goodbye to, cut off, and left without a word.
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        before = postgres.backends()
        assert len(before) > WORKERS
        postgres.stop(how)
        postgres.start()
        assert crowd(service) == {200}
        assert not before & postgres.backends()


def test_a_database_that_turned_read_only_is_503_and_its_connections_are_let_go(
    postgres: Postgres, service: Service, http: requests.Session, look: Sql
) -> None:
    room = join(http, service).json()["room_id"]
    assert crowd(service) == {200}
    before = postgres.backends()
    postgres.configure("default_transaction_read_only", "on")
    until(lambda: look("SHOW default_transaction_read_only") == [("on",)])
    assert_unavailable(join(http, service, "unlucky"))
    # Reading goes on: a standby answers too.
    assert http.get(f"{service.url}/rooms/{room}", timeout=15).status_code == 200
    # Kept, they would hold the service to the demoted server for as long as it lives.
    until(lambda: crowd(service) == {503} and not before & postgres.backends())
    assert look("SELECT count(*) FROM memberships WHERE user_id = 'unlucky'") == [(0,)]
    postgres.configure("default_transaction_read_only", None)
    until(lambda: look("SHOW default_transaction_read_only") == [("off",)])
    assert_back(http, service, time.monotonic())


def test_a_server_with_no_connection_left_is_503_until_one_is_free(
    postgres: Postgres, service: Service, http: requests.Session
) -> None:
    taken = postgres.take_all_connections()
    try:
        for _ in range(8):
            began = time.monotonic()
            assert_unavailable(join(http, service, "second"))
            assert_unavailable(http.get(f"{service.url}/readyz", timeout=15))
            assert time.monotonic() - began < AT_ONCE_S
    finally:
        for connection in taken:
            connection.close()
    # The server counts a connection until its process is gone.
    until(postgres.has_room)
    assert_back(http, service, time.monotonic())


@pytest.mark.parametrize(
    "lock",
    [
        "UPDATE memberships SET updated_at = updated_at WHERE user_id = 'first'",
        "LOCK TABLE memberships IN EXCLUSIVE MODE",
    ],
    ids=["of the user's row", "of the table"],
)
def test_a_join_that_waits_for_somebody_elses_lock_is_503_and_writes_nothing(
    lock: str, postgres: Postgres, service: Service, http: requests.Session, look: Sql
) -> None:
    join(http, service, "elsewhere", city="Other Town")
    stored = look("SELECT * FROM memberships ORDER BY user_id")
    with closing(postgres.connect(look("SELECT current_database()")[0][0])) as admin:
        admin.autocommit = False
        admin.cursor().execute(lock)
        began = time.monotonic()
        assert_unavailable(join(http, service, city="Other Town"))
        assert time.monotonic() - began < LOCK_TIMEOUT_MS / 1000 + SLACK_S
        assert look("SELECT * FROM memberships ORDER BY user_id") == stored
        admin.rollback()
    assert_back(http, service, time.monotonic())


@pytest.fixture
def own(database: str) -> Iterator[Database]:
    """The application's own way to the database, with one connection."""
    engine = sqlalchemy.create_engine(psycopg2_url(database), **engine_options(1))
    database_of_one = Database(engine)
    yield database_of_one
    database_of_one.close()


def test_a_statement_past_its_time_is_ended_and_its_connection_stays_good(own: Database) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        own.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < STATEMENT_TIMEOUT_MS / 1000 + SLACK_S
    assert own.execute("SELECT 1") == [(1,)]


def test_an_idle_transaction_of_a_command_is_ended_and_lets_its_locks_go(
    own: Database, postgres: Postgres, look: Sql
) -> None:
    ((limit,),) = own.execute("SHOW idle_in_transaction_session_timeout")
    assert limit == f"{IDLE_IN_TRANSACTION_TIMEOUT_MS // 1000}s"

    def fall_asleep() -> None:
        with own.transaction() as connection:
            mine = connection.scalar(text("SELECT pg_backend_pid()"))
            # The limit itself is too long to wait for.
            connection.execute(text("SET idle_in_transaction_session_timeout = 200"))
            connection.execute(text("LOCK TABLE memberships"))
            until(lambda: mine not in postgres.backends())
            # The administrator waits for locks without end: that it reads says they are gone.
            look("SELECT count(*) FROM memberships")
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        fall_asleep()
    assert own.execute("SELECT 1") == [(1,)]
