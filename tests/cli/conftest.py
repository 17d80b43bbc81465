"""Fixtures of the tests that look for secrets in the output of commands."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.databases import Server
from tests.support.secrets import secret_role


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """A database of the module's own."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="module")
def owner(url: str) -> Iterator[str]:
    """The role of the environment's URLs."""
    with secret_role(url, f"owner_{uuid.uuid4().hex[:8]}") as owner:
        yield owner
