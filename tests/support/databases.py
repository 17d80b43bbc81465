"""Test databases: one template a run, made by the real migrations, copied for whoever needs one."""

import fcntl
import itertools
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from flask_migrate import upgrade

from app.cli.migrations import create_migrating_app
from app.config import INSTANCE, Settings, psycopg2_url
from app.domain.analytics.demo import settle
from app.domain.analytics.view_settings import publish
from app.domain.cities import gazetteer_loader
from app.domain.runs.admin_runs import recorded
from app.factory import create_cli_app
from app.services import services
from local_postgres import join
from tests.support.pooler import pooler_for

# People and seed; a Sunday, so that the last week is whole. docs/analysts.md shows these people.
DEMO = (10_000, 1)
DEMO_UNTIL = date(2025, 6, 29)

# What tests leave behind, in an order that foreign keys allow.
EMPTY = """
    DELETE FROM room_changes; DELETE FROM memberships; DELETE FROM room_redirects;
    DELETE FROM rooms; DELETE FROM admin_runs; UPDATE cities SET hub_id = NULL, merged_into = NULL
    WHERE hub_id IS NOT NULL OR merged_into IS NOT NULL;
    DELETE FROM cities WHERE NOT listed
"""

Sql = Callable[..., list[tuple[Any, ...]]]

_server: "Server | None" = None
_numbers = itertools.count(1)


class Server:
    """A Postgres server on which databases may be made and dropped."""

    def __init__(self, url: str, run: str) -> None:
        self.url = url
        self.pooler = pooler_for(url)
        self.prefix = f"test_{run}"

    @classmethod
    def of_this_run(cls) -> "Server":
        global _server
        if _server is None:
            url = os.environ.get("TEST_DATABASE_URL") or join(INSTANCE, "postgres")
            _server = cls(url, os.environ.setdefault("NOMAD_TEST_RUN", uuid.uuid4().hex[:8]))
        return _server

    @staticmethod
    def was_used() -> bool:
        return "NOMAD_TEST_RUN" in os.environ

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def create(self, template: str | None = None) -> str:
        """A new database's URL; None: an empty one."""
        name = f"{self.prefix}_{os.getpid()}_{next(_numbers)}"
        # FILE_COPY: the default writes every page of the template into the log.
        copy = f"TEMPLATE {template} STRATEGY file_copy" if template else "TEMPLATE template0"
        self.execute(f"CREATE DATABASE {name} {copy}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    @contextmanager
    def database(self) -> Iterator[str]:
        """A database with all migrations, behind the pooler if there is one; dropped afterwards."""
        url = self.create(self._once("template", migrate))
        try:
            yield self.pooler.pooled(url) if self.pooler else url
        finally:
            self.drop(url)

    def drop_all(self) -> None:
        """Drop what this run made, the template included."""
        pattern = self.prefix.replace("_", r"\_")
        for (name,) in self.execute(
            f"SELECT datname FROM pg_database WHERE datname LIKE '{pattern}%'"
        ):
            self.drop(self.url_of(str(name)))

    def demo(self) -> str:
        """The URL of a database with the demo population: one for the whole run, to be read."""
        return self.url_of(self._once("demo", populate))

    @contextmanager
    def alone(self, kind: str) -> Iterator[None]:
        """While no other worker of the run is inside the same."""
        lock = Path(tempfile.gettempdir()) / f"{self.prefix}_{kind}.lock"
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _once(self, kind: str, fill: Callable[[str], None]) -> str:
        """The name of a database that all of the run share."""
        name = f"{self.prefix}_{kind}"
        # The workers of a run start together: one makes it, the others wait for it.
        with self.alone(kind):
            if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                half_made = self.create(
                    None if kind == "template" else self._once("template", migrate)
                )
                fill(half_made)
                self.execute(f"ALTER DATABASE {urlsplit(half_made).path[1:]} RENAME TO {name}")
        return name


def past_pooler(url: str) -> str:
    """The same database without a pooler between, for what a session must keep."""
    pooler = Server.of_this_run().pooler
    return pooler.past(url) if pooler and pooler.serves(url) else url


def environment_of(url: str) -> dict[str, str]:
    """The variables that tell the service of a database, and of the way past a pooler."""
    direct = past_pooler(url)
    return {"DATABASE_URL": url} | ({"DIRECT_DATABASE_URL": direct} if direct != url else {})


def settings_of(url: str, **others: Any) -> Settings:
    """Settings for an application on a database."""
    given = environment_of(url)
    direct = given.get("DIRECT_DATABASE_URL")
    return Settings(
        app_env="testing",
        database_url=psycopg2_url(url),
        direct_database_url=psycopg2_url(direct) if direct else None,
        prepare_statements=not direct,
        **others,
    )


def migrate(url: str) -> None:
    """Do to a database what a release does."""
    settings = settings_of(url)
    with create_migrating_app(settings).app_context():
        upgrade()
        publish(services().database, settings.analytics_min_group)
        gazetteer_loader.load(services().database)
        services().clusters.register(services().model)
        services().database.close()


def populate(url: str) -> None:
    """Let people come, as `manage.py demo` does."""
    with create_cli_app(settings_of(url)).app_context():
        parts = services()
        with recorded(parts.database, "demo", {}) as run:
            settle(parts.database, parts.model, "ES", DEMO, DEMO_UNTIL, run, lambda step, of: None)
        parts.database.close()


def sql_on(url: str) -> Sql:
    """A function that runs one statement on a database, commits, and returns its rows."""

    def run(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    return run
