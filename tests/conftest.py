"""Real parts for every test: a Postgres, databases made by the real migrations, a real gunicorn."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import INSTANCE
from model import artifact
from model.predict import Model
from tests.support.databases import EMPTY, Server, Sql, environment_of, settings_of, sql_on
from tests.support.manage import Manage, run_manage
from tests.support.serving import KEY, Gunicorn


def pytest_configure(config: pytest.Config) -> None:
    # All workers of a run share a template; the name also tells runs side by side apart.
    os.environ.setdefault("NOMAD_TEST_RUN", uuid.uuid4().hex[:8])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and Server.was_used():
        Server.of_this_run().drop_all()


@pytest.fixture(scope="session")
def server() -> Server:
    """The Postgres that the tests use: TEST_DATABASE_URL's, or the embedded one."""
    return Server.of_this_run()


@pytest.fixture(scope="session")
def database_url(server: Server) -> Iterator[str]:
    """This worker's database: all migrations, the model registered."""
    with server.database() as url:
        yield url


@pytest.fixture
def new_database(server: Server) -> Iterator[str]:
    """A database of the test's own, made like the others."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def app(database_url: str) -> Any:
    """The application on this worker's database."""
    return create_app(settings_of(database_url, api_keys=(KEY,)))


@pytest.fixture
def sql(database_url: str) -> Sql:
    """Look into this worker's database, past the application."""
    return sql_on(database_url)


@pytest.fixture
def client(app: Any, sql: Sql) -> FlaskClient:
    """A client with a key, on an application that knows no user yet."""
    sql(EMPTY)
    extension = app.extensions["nomad_rooms"]
    extension.cities.clear_cache()
    extension.rooms.clear_cache()
    client: FlaskClient = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client


@pytest.fixture
def manage(new_database: str) -> Manage:
    """Run manage.py on a database of the test's own."""
    return lambda *arguments: run_manage(*arguments, DATABASE_URL=new_database)


@pytest.fixture
def serve(new_database: str) -> Iterator[Callable[..., Gunicorn]]:
    """Start gunicorn as production does, on a database of the test's own."""
    started: list[Gunicorn] = []

    def start(command: list[str] | None = None, **environment: str) -> Gunicorn:
        given = environment_of(new_database) | {"API_KEYS": KEY} | environment
        started.append(Gunicorn(given, command))
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
