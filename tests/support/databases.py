"""Test databases: copies of one template a run, which the real migrations create."""

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
from app.domain.analytics.demo import insert
from app.domain.analytics.view_settings import write_settings
from app.domain.cities import gazetteer_loader
from app.domain.runs.admin_runs import record_run
from app.domain.schema import distribution
from app.factory import create_cli_app
from app.services import services
from local_postgres import join
from tests.support import citus
from tests.support.pooler import pooler_for

# Number of people and seed. The year ends with a month. docs/analysts.md shows this population.
DEMO = (10_000, 1)
DEMO_UNTIL = date(2025, 6, 30)

# Deletes what tests leave behind, in an order that foreign keys allow.
DELETE_ALL = """
    DELETE FROM room_changes; DELETE FROM memberships; DELETE FROM room_redirects;
    DELETE FROM rooms; DELETE FROM admin_runs; UPDATE cities SET hub_id = NULL, merged_into = NULL
    WHERE hub_id IS NOT NULL OR merged_into IS NOT NULL;
    DELETE FROM cities WHERE NOT listed; DELETE FROM published; DELETE FROM publications;
    DELETE FROM deletions
"""

Sql = Callable[..., list[tuple[Any, ...]]]

_server: "Server | None" = None
_numbers = itertools.count(1)


class Server:
    """A Postgres server on which databases may be created and dropped."""

    def __init__(self, url: str, run: str) -> None:
        self.url = url
        self.pooler = pooler_for(url)
        self.prefix = f"test_{run}"

    @staticmethod
    def shared() -> "Server":
        """Return the server of this run: TEST_CITUS_URL's, TEST_DATABASE_URL's, or the embedded
        one."""
        global _server
        if _server is None:
            run = os.environ.setdefault("NOMAD_TEST_RUN", uuid.uuid4().hex[:8])
            if urls := os.environ.get("TEST_CITUS_URL"):
                _server = CitusServer(urls.split(","), run)
            else:
                url = os.environ.get("TEST_DATABASE_URL") or join(INSTANCE, "postgres")
                _server = Server(url, run)
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
        """Create a database, and return its URL; without a template it is empty."""
        name = self.new_name()
        # The default strategy writes every page of the template into the write-ahead log.
        copy = f"TEMPLATE {template} STRATEGY file_copy" if template else "TEMPLATE template0"
        self.execute(f"CREATE DATABASE {name} {copy}")
        return self.url_of(name)

    def new_name(self) -> str:
        return f"{self.prefix}_{os.getpid()}_{next(_numbers)}"

    def rename(self, url: str, name: str) -> None:
        self.execute(f"ALTER DATABASE {urlsplit(url).path[1:]} RENAME TO {name}")

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of a migrated database, through the pooler if any; drop it at the end."""
        url = self.create(self._template())
        try:
            yield self.pooler.pooled(url) if self.pooler else url
        finally:
            self.drop(url)

    def drop_all(self) -> None:
        """Drop all databases of this run, including the template."""
        pattern = self.prefix.replace("_", r"\_")
        for (name,) in self.execute(
            f"SELECT datname FROM pg_database WHERE datname LIKE '{pattern}%'"
        ):
            self.drop(self.url_of(str(name)))

    def demo(self) -> str:
        """Return the URL of the demo population's database: one for the whole run, read-only."""
        return self.url_of(self._create_once("demo", populate))

    @contextmanager
    def copy_of_demo(self) -> Iterator[str]:
        """Yield the URL of a database with the demo population, to be changed; drop it then."""
        url = self.create(self._create_once("demo", populate))
        try:
            yield self.pooler.pooled(url) if self.pooler else url
        finally:
            self.drop(url)

    @contextmanager
    def lock(self, kind: str) -> Iterator[None]:
        """Hold a lock among the workers of this run."""
        lock = Path(tempfile.gettempdir()) / f"{self.prefix}_{kind}.lock"
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _create_once(self, kind: str, fill: Callable[[str], None]) -> str:
        """Return the name of a database that all workers of this run share."""
        name = f"{self.prefix}_{kind}"
        # The workers of a run start together: one creates the database, the others wait for it.
        with self.lock(kind):
            if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                url = self.create(None if kind == "template" else self._template())
                fill(url)
                self.rename(url, name)
        return name

    def _template(self) -> str:
        return self._create_once("template", self.release)

    def release(self, url: str) -> None:
        """Make an empty database that of a released service."""
        migrate(url)


class CitusServer(Server):
    """A Citus cluster, whose databases are distributed; their owner is no superuser.

    `urls`: the superuser's URL of each node, the coordinator's first.
    """

    def __init__(self, urls: list[str], run: str) -> None:
        super().__init__(urls[0], run)
        self.urls = urls

    def url_of(self, database: str) -> str:
        return citus.with_database(self.url, database, citus.OWNER)

    def create(self, template: str | None = None) -> str:
        name = self.new_name()
        if not template:
            return citus.create_database(self.urls, name)
        citus.copy_database(self.urls, template, name)
        url = self.url_of(name)
        # A copy has the template's rows, but not its settings.
        citus.execute(url, *(row[0] for row in citus.execute(url, distribution.SETTINGS)))
        return url

    def rename(self, url: str, name: str) -> None:
        citus.rename_database(self.urls, citus.name_of(url), name)

    def drop(self, url: str) -> None:
        citus.drop_database(self.urls, citus.name_of(url))

    def release(self, url: str) -> None:
        super().release(url)
        with create_cli_app(settings_of(url)).app_context():
            database = services().database
            distribution.distribute(database, distribution.plan(database))
            database.close()


def direct_url(url: str) -> str:
    """Return the URL of the same database without the pooler, for settings of sessions."""
    pooler = Server.shared().pooler
    return pooler.direct(url) if pooler and pooler.serves(url) else url


def environment_of(url: str) -> dict[str, str]:
    """Return the environment variables for a service on a database."""
    direct = direct_url(url)
    return {"DATABASE_URL": url} | ({"DIRECT_DATABASE_URL": direct} if direct != url else {})


def settings_of(url: str, **others: Any) -> Settings:
    """Return the settings of an application on a database."""
    direct = environment_of(url).get("DIRECT_DATABASE_URL")
    return Settings(
        app_env="testing",
        database_url=psycopg2_url(url),
        direct_database_url=psycopg2_url(direct) if direct else None,
        prepare_statements=not direct,
        **others,
    )


def migrate(url: str, *, with_gazetteer: bool = True) -> None:
    """Migrate and fill a database like the release command."""
    settings = settings_of(url)
    with create_migrating_app(settings).app_context():
        upgrade()
        write_settings(services().database, settings.analytics_min_group)
        if with_gazetteer:
            gazetteer_loader.load(services().database)
        services().clusters.register(services().model)
        services().database.close()


def populate(url: str) -> None:
    """Insert the demo population, like `manage.py demo`."""
    with create_cli_app(settings_of(url)).app_context():
        built = services()
        with record_run(built.database, "demo", {}) as run:
            insert(built.database, built.model, "ES", DEMO, DEMO_UNTIL, run, lambda step, of: None)
        built.database.close()


def sql_on(url: str) -> Sql:
    """Return a function that runs one statement on a database, commits, and returns its rows."""

    def run(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    return run
