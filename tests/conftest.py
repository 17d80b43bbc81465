"""Fixtures of all tests: a real Postgres, really migrated databases, a real gunicorn."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import INSTANCE
from app.domain.analytics.grants import Granted
from model import artifact
from model.predict import Model
from tests.support.analysts import Analyst, granted_role
from tests.support.citus_skips import SKIPS, SKIPS_WITH_WORKERS
from tests.support.databases import DELETE_ALL, Server, Sql, environment_of, settings_of, sql_on
from tests.support.manage import Manage, run_manage
from tests.support.serving import KEY, Gunicorn


def pytest_configure(config: pytest.Config) -> None:
    # All workers of a run share a template; the name also distinguishes concurrent runs.
    os.environ.setdefault("NOMAD_TEST_RUN", uuid.uuid4().hex[:8])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if urls := os.environ.get("TEST_CITUS_URL"):
        skips = SKIPS | SKIPS_WITH_WORKERS if "," in urls else SKIPS
        for item in items:
            names = item.nodeid, item.nodeid.partition("[")[0], item.nodeid.partition("::")[0]
            if reason := next((skips[name] for name in names if name in skips), None):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and Server.was_used():
        Server.shared().drop_all()


@pytest.fixture(scope="session")
def server() -> Server:
    """The Postgres server of the tests: see Server.shared."""
    return Server.shared()


@pytest.fixture(scope="session")
def database_url(server: Server) -> Iterator[str]:
    """The URL of this worker's database: migrated, with the gazetteer and the model."""
    with server.database() as url:
        yield url


@pytest.fixture
def new_database(server: Server) -> Iterator[str]:
    """The URL of a database of the test's own, with the same content."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def app(database_url: str) -> Any:
    """The application on this worker's database."""
    return create_app(settings_of(database_url, api_keys=(KEY,)))


@pytest.fixture
def sql(database_url: str) -> Sql:
    """Run SQL on this worker's database."""
    return sql_on(database_url)


@pytest.fixture
def client(app: Any, sql: Sql) -> FlaskClient:
    """A client with a key, of an application without users."""
    sql(DELETE_ALL)
    extension = app.extensions["nomad_rooms"]
    extension.cities.clear_cache()
    extension.rooms.clear_cache()
    extension.city_counts.clear_cache()
    client: FlaskClient = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client


@pytest.fixture
def manage(new_database: str) -> Manage:
    """Run manage.py on a database of the test's own."""
    return lambda *arguments: run_manage(*arguments, DATABASE_URL=new_database)


@pytest.fixture
def serve(new_database: str) -> Iterator[Callable[..., Gunicorn]]:
    """Start gunicorn as in production, on a database of the test's own."""
    started: list[Gunicorn] = []

    def start(command: list[str] | None = None, **environment: str) -> Gunicorn:
        variables = environment_of(new_database) | {"API_KEYS": KEY} | environment
        started.append(Gunicorn(variables, command))
        return started[-1]

    yield start
    for gunicorn in started:
        gunicorn.stop()


@pytest.fixture(scope="session")
def model() -> Model:
    """The shipped model."""
    return artifact.load()


@pytest.fixture
def instance() -> Path:
    return INSTANCE


@pytest.fixture(scope="session")
def demo_url(server: Server) -> str:
    """The URL of a database with the demo population, shared by all workers: read-only."""
    return server.demo()


@pytest.fixture(scope="session")
def granted(server: Server, demo_url: str) -> Iterator[tuple[str, Granted]]:
    """An analyst of the demo population: the role's URL, and the result of `grant`."""
    with granted_role(server, demo_url) as granted:
        yield granted


@pytest.fixture(scope="session")
def analyst(granted: tuple[str, Granted]) -> Analyst:
    """Sessions of that analyst's role."""
    return Analyst(granted[0])
