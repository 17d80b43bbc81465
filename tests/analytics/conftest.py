"""The demo population, as the owner of its database sees it."""

from typing import Any

import pytest

from app.infra.database import Database
from tests.support.databases import Sql, sql_on


@pytest.fixture(scope="session")
def demo(demo_url: str) -> Sql:
    """Run SQL on the demo population's database."""
    return sql_on(demo_url)


@pytest.fixture
def database(app: Any) -> Database:
    """This worker's database, with the connections of a web worker."""
    database: Database = app.extensions["nomad_rooms"].database
    return database
