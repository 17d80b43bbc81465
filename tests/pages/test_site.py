"""What all pages share: the page of a wrong address, descriptions and robots.txt."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.pages.rendering import TRANSLATIONS
from tests.support.databases import settings_of
from tests.support.pages import FORM
from tests.support.serving import KEY

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Return a Spanish browser without a key."""
    del client.environ_base["HTTP_AUTHORIZATION"]
    client.environ_base["HTTP_ACCEPT"] = BROWSER
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es-ES,es;q=0.9"
    return client


def assert_is_page(response: TestResponse, heading: str) -> None:
    assert response.mimetype == "text/html"
    assert TRANSLATIONS["es"]["errors"][heading] in response.text
    assert '<html lang="es">' in response.text
    assert 'href="/?language=es"' in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert "Accept" in response.vary


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_wrong_address_shows_a_browser_a_page(browser: FlaskClient, method: str) -> None:
    response = getattr(browser, method)("/nothing/here")
    assert response.status_code == 404
    assert_is_page(response, "nothing")


def test_a_reload_after_forgetting_shows_a_page(browser: FlaskClient) -> None:
    response = browser.get("/forget")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert_is_page(response, "nothing")


@pytest.mark.parametrize("address", ["/rooms", "/users/one", "/metrics"])
def test_an_address_that_needs_a_key_shows_a_browser_a_page(
    browser: FlaskClient, address: str
) -> None:
    response = browser.get(address)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert_is_page(response, "closed")
    program = browser.get(address, headers={"Accept": "*/*"})
    assert program.content_type == "application/problem+json"


def test_a_defect_shows_a_browser_a_page_with_its_code(database_url: str) -> None:
    app = create_app(settings_of(database_url, api_keys=(KEY,)))
    app.add_url_rule("/defect", "page.show_defect", lambda: [][0])
    headers = {"Accept": BROWSER, "Accept-Language": "es", "Authorization": f"Bearer {KEY}"}
    response = app.test_client().get("/defect", headers=headers)
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.text
    assert_is_page(response, "broken")


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html", "text/plain"]
)
def test_a_program_gets_the_problem_document_of_a_wrong_address(
    client: FlaskClient, accept: str | None
) -> None:
    headers = {"X-Request-ID": "the-id"} | ({"Accept": accept} if accept else {})
    response = client.get("/nothing", headers=headers)
    assert response.content_type == "application/problem+json"
    assert response.data == (
        b'{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at '
        b'this address.","errors":[],"request_id":"the-id"}\n'
    )
    assert "Accept" in response.vary


def test_an_answer_of_the_api_is_a_document_in_a_browser_too(client: FlaskClient) -> None:
    for address, status in (("/rooms/1234567", 404), ("/cities?q=x", 422)):
        response = client.get(address, headers={"Accept": BROWSER})
        assert (response.status_code, response.mimetype) == (status, "application/problem+json")


def other_language(page: str) -> tuple[str, dict[str, str]]:
    """Return the address of the link to the page in the other language."""
    (tag,) = re.findall(r"<nav>\s*(<[^>]+>)[^<]+<", page)
    (address,) = re.findall(r'(?:href|formaction)="([^"]+)"', tag)
    url = urlsplit(html.unescape(address))
    return url.path, dict(parse_qsl(url.query))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", {}),
        ("/", {"city_id": "2510911"}),
        ("/", {"city": "Casa & Co"}),
        ("/docs", {}),
        ("/docs/api.md", {}),
        ("/rooms/map", {"country": "ES"}),
        ("/rooms/map", {"near": "2510911", "zoom": "4"}),
    ],
)
def test_the_other_language_has_the_same_page(
    browser: FlaskClient, path: str, query: dict[str, str]
) -> None:
    page = browser.get(path, query_string=query | {"unknown": "1"}).text
    assert other_language(page) == (path, query | {"language": "en"})


def test_the_other_language_of_an_answer_has_its_city_and_of_no_page_the_form(
    browser: FlaskClient,
) -> None:
    answer = other_language(browser.post("/?language=en", data=FORM).text)
    assert answer == ("/", {"city_id": "2510911", "language": "es"})
    for path in ("/nothing", "/docs/nothing.md?city=x"):
        assert other_language(browser.get(path).text) == ("/", {"language": "en"})


def test_the_other_language_of_a_map_that_a_key_opened_needs_it_no_more(
    browser: FlaskClient,
) -> None:
    page = browser.post("/rooms/map?country=ES", data={"key": KEY}).text
    assert other_language(page) == ("/rooms/map", {"country": "ES", "language": "en"})
    assert re.search(r'<nav>\s*<button form="go"', page)


def test_search_engines_may_read_the_pages(browser: FlaskClient) -> None:
    response = browser.get("/robots.txt")
    assert response.mimetype == "text/plain"
    assert response.text == "User-agent: *\nAllow: /\n"


@pytest.mark.parametrize("address", ["/", "/docs", "/rooms/map"])
@pytest.mark.parametrize("language", ["es", "en"])
def test_a_page_has_a_title_and_a_description_of_its_own(
    browser: FlaskClient, address: str, language: str
) -> None:
    page = browser.get(f"{address}?language={language}").text
    assert len(re.findall(r"<title>[^<]+</title>", page)) == 1
    (description,) = re.findall(r'<meta name="description" content="([^"]+)">', page)
    assert 50 < len(description) < 165
