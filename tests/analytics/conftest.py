"""The demo population, as the owner of its database sees it."""

import pytest

from tests.support.databases import Sql, sql_on


@pytest.fixture(scope="session")
def demo(demo_url: str) -> Sql:
    """Run SQL on the demo population's database."""
    return sql_on(demo_url)
