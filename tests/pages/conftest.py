"""A browser without JavaScript."""

import pytest
from flask.testing import FlaskClient

from tests.support.pages import BROWSER


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Return a browser, which sends a key only in a form."""
    del client.environ_base["HTTP_AUTHORIZATION"]
    client.environ_base["HTTP_ACCEPT"] = BROWSER["Accept"]
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es-ES,es;q=0.9,en;q=0.8"
    return client
