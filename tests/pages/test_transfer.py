"""How pages and their files are sent: compressed, and cached where they may be."""

import gzip
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.serving import KEY

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}
YEAR_S = 31_536_000


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Return a browser without a key."""
    del client.environ_base["HTTP_AUTHORIZATION"]
    client.environ_base["HTTP_ACCEPT"] = BROWSER
    return client


def files_of(page: TestResponse) -> list[str]:
    """Return the addresses of a page's styles, scripts and icons."""
    head = page.text.partition("</head>")[0]
    return re.findall(r'(?:href|src)="(/[^"]+)"', head)


@pytest.mark.parametrize("address", ["/", "/docs"])
def test_the_files_of_a_page_are_cached_until_they_change(
    browser: FlaskClient, address: str
) -> None:
    files = files_of(browser.get(address))
    assert len(files) >= 3
    for file in files:
        headers = browser.get(file).headers
        assert headers["Cache-Control"] == f"public, max-age={YEAR_S}, immutable"
        # A page of another release asks for another content.
        for other in (file.partition("?")[0], f"{file}0"):
            assert browser.get(other).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("address", ["/", "/docs", "/openapi.json", "/page/page.css"])
def test_text_is_compressed_for_those_who_accept_it(browser: FlaskClient, address: str) -> None:
    plain = browser.get(address)
    assert "Content-Encoding" not in plain.headers
    small = browser.get(address, headers=GZIP)
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 2
    if address != "/":  # which has a random id
        assert gzip.decompress(small.data) == plain.data
    for response in (plain, small):
        assert "Accept-Encoding" in response.vary
    head = browser.head(address, headers=GZIP)
    assert head.headers["Content-Encoding"] == "gzip"
    assert head.data == b""
    refused = browser.get(address, headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize("address", ["/docs", "/docs/api.md", "/page/page.css"])
def test_an_unchanged_file_is_not_sent_again(browser: FlaskClient, address: str) -> None:
    tag = browser.get(address, headers=GZIP).headers["ETag"]
    for headers in (GZIP, {}):
        response = browser.get(address, headers={"If-None-Match": tag, **headers})
        assert response.status_code == 304
        assert response.data == b""
        assert response.headers["ETag"] == tag
        assert "Accept-Encoding" in response.vary


def test_a_part_of_a_file_is_not_compressed(browser: FlaskClient) -> None:
    whole = browser.get("/page/page.css").data
    part = browser.get("/page/page.css", headers={"Range": "bytes=10-19", **GZIP})
    assert (part.status_code, part.data) == (206, whole[10:20])
    assert "Content-Encoding" not in part.headers


def test_answers_that_repeat_a_secret_beside_typed_text_are_not_compressed(
    client: FlaskClient,
) -> None:
    user = {"_id": "one", "city": "Sevilla", "interests": ["surf"]}
    form: dict[str, Any] = {"city": "Sevilla", "interests": ["surf"], "key": KEY}
    for response in (
        client.post("/rooms", json=user, headers=GZIP),
        client.post("/cluster", json=user, headers=GZIP),
        client.get("/users/one?explain=1", headers=GZIP),
        client.post("/", data=form, headers={"Accept": BROWSER, **GZIP}),
    ):
        assert response.status_code in (200, 201)
        assert "Content-Encoding" not in response.headers
