"""Fixtures: a Postgres server that may be killed, a database on it, and a service on that."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Sql, sql_on
from tests.support.postgres import Postgres
from tests.support.service import Service
from tests.support.trials.results import TrialResult, print_table
from tests.support.trials.stage import Stage

# How long a fault lasts; `make faults` sets more.
FAULT_SECONDS = float(os.environ.get("FAULT_SECONDS", "1"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server for these tests alone, with a template of a released database."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.create_template()
    yield server
    server.stop()
    # pytest keeps the directories of three runs, and this one is large.
    shutil.rmtree(server.home)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of a database of the test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def sql(database: str) -> Sql:
    """Run SQL on that database."""
    return sql_on(database)


@pytest.fixture
def service(database: str) -> Iterator[Service]:
    """gunicorn with two workers on that database."""
    service = Service(database)
    yield service
    service.kill()


@pytest.fixture(scope="session")
def trial_results() -> Iterator[list[TrialResult]]:
    """The results of all trials, printed as one table at the end (by `make faults`)."""
    results: list[TrialResult] = []
    yield results
    print()
    print_table(results)


@pytest.fixture
def stage(
    postgres: Postgres, database: str, tmp_path: Path, trial_results: list[TrialResult]
) -> Stage:
    """A server, a database and a directory for a trial."""
    return Stage(postgres, database, tmp_path, FAULT_SECONDS, trial_results)
