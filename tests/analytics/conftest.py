"""The demo population, and an analyst who may look at it."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from app.config import Settings, psycopg2_url
from app.domain.analytics.grants import Granted, grant, revoke
from app.factory import create_cli_app
from app.infra.database import Database
from app.services import services
from tests.support.databases import Server, Sql, sql_on

VIEWS = (
    "rooms",
    "cities",
    "clusters",
    "models",
    "daily_joins",
    "weekly_joins",
    "interest_popularity",
    "city_interests",
    "moves",
)


@pytest.fixture(scope="session")
def demo_url(server: Server) -> str:
    """A database with the demo population: to be read, other tests read it too."""
    return server.demo()


@pytest.fixture(scope="session")
def demo(demo_url: str) -> Sql:
    """Ask the demo population as the owner of its database."""
    return sql_on(demo_url)


def database_on(url: str) -> Database:
    with create_cli_app(Settings(app_env="testing", database_url=psycopg2_url(url))).app_context():
        return services().database


@pytest.fixture(scope="session")
def granted(server: Server, demo_url: str) -> Iterator[tuple[str, Granted]]:
    """An analyst of the demo population: the URL of the role, and what granting it told."""
    database, role = database_on(demo_url), f"{server.prefix}_{uuid.uuid4().hex}"
    # Two that grant at once would change the same rows of the catalogue.
    with server.alone("granting"):
        done = grant(database, role, connections=5, timeout_s=30, new_password=False)
    url = database.engine.url.set(
        drivername="postgresql", username=role, password=done.password
    ).render_as_string(hide_password=False)
    yield url, done
    with server.alone("granting"):
        revoke(database, role)
    database.engine.dispose()


class Analyst:
    """Sessions of a role, each statement in one of its own unless it begins with others."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last of the statements, all in one session, each committed."""
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def analyst(granted: tuple[str, Granted]) -> Analyst:
    """Someone who may read the views of the demo population, and wants more."""
    return Analyst(granted[0])
