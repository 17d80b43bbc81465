"""A Postgres that may be killed, a database on it, and the service on that."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask_migrate import upgrade

from app.cli.migrations import create_migrating_app
from app.services import services
from tests.support.databases import Sql, settings_of, sql_on
from tests.support.postgres import Postgres
from tests.support.service import Service

TEMPLATE = "released"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server for these tests alone, with a template of a released database."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    release(server.url(TEMPLATE))
    yield server
    server.stop()
    # pytest keeps the directories of three runs; this one is large.
    shutil.rmtree(server.home)


def release(url: str) -> None:
    """What a release does but for the gazetteer: here every city is one that a user typed."""
    app = create_migrating_app(settings_of(url))
    with app.app_context():
        upgrade()
        services().clusters.register(services().model)
        services().database.close()


@contextmanager
def released(postgres: Postgres) -> Iterator[str]:
    """A released database's URL, on a server that runs with normal settings."""
    name = f"fault_{next(_numbers)}"
    postgres.restore()
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres.url(name)
    postgres.restore()
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """A released database of the test's own."""
    with released(postgres) as url:
        yield url


@pytest.fixture
def look(database: str) -> Sql:
    """Look into the database, past the service."""
    return sql_on(database)


@pytest.fixture
def service(database: str) -> Iterator[Service]:
    """gunicorn with two workers on the database."""
    server = Service(database)
    yield server
    server.end()
