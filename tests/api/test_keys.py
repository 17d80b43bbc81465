"""API keys: which requests need one, and where it may be."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.auth import OPEN_ENDPOINTS
from tests.support.serving import KEY

UNAUTHORIZED = 401


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic abc", "Bearer \u00fc\u00ff", "bearer  "]
)
def test_without_a_valid_key_the_response_is_401(client: FlaskClient, header: str | None) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    if header:
        client.environ_base["HTTP_AUTHORIZATION"] = header
    response = client.post("/rooms", data=b"not even JSON")
    assert response.status_code == UNAUTHORIZED
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.content_type == "application/problem+json"


def test_every_route_needs_a_key_except_those_on_one_list(client: FlaskClient, app: Any) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for argument in rule.arguments:
            path = re.sub(rf"<([^<>]*:)?{argument}>", "1", path)
        for method in rule.methods - {"OPTIONS"}:
            status = client.open(path, method=method).status_code
            needs_key = status == UNAUTHORIZED
            assert needs_key == (rule.endpoint not in OPEN_ENDPOINTS), f"{method} {path}: {status}"


@pytest.mark.parametrize("header", [None, "Basic abc", "Bearer wrong", "bearer"])
def test_a_forms_key_counts_only_without_a_key_in_the_header(
    client: FlaskClient, header: str | None
) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    if header:
        client.environ_base["HTTP_AUTHORIZATION"] = header
    response = client.post("/rooms/map", data={"key": KEY})
    counts = header is None or header.startswith("Basic")
    assert (response.status_code == UNAUTHORIZED) is not counts
