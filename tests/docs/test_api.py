"""Runs the requests of docs/api.md, in its order on one database, and compares the responses."""

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, psycopg2_url
from tests.support.databases import Server
from tests.support.documents import Curl
from tests.support.manage import run_manage
from tests.support.paths import ROOT
from tests.support.serving import KEY

PAGE = (ROOT / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```(sh|http)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KINDS = re.findall(r"^\| (\d+) \| `urn:nomad-rooms:(\w+)` \|", PAGE, re.MULTILINE)
# Numbers that the database assigns: they may differ, but each always replaces the same one.
ROOM_FIELDS = ("room_id", "previous_room_id", "from_room", "to_room")
# The ids of the page's moves are between those of clusters and those of cities.
MAX_CLUSTER = 4
MIN_GEONAMES_ID = 10_000
MIN_UNLISTED_ID = 10**12
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z").fullmatch


@dataclass
class Numbers:
    """The database's number for each number of the page, with its kind: room, change or city."""

    actual: dict[int, tuple[str, int]] = field(default_factory=dict)

    def match(self, kind: str, shown: int, number: int) -> None:
        expected = self.actual.setdefault(shown, (kind, number))
        assert expected == (kind, number), f"{shown} was {expected} before"
        same = [key for key, value in self.actual.items() if value == (kind, number)]
        assert same == [shown], "two numbers of the page for one"

    def replace(self, text: str) -> str:
        """Return a text of the page with the database's numbers."""

        def actual(match: re.Match[str]) -> str:
            _, number = self.actual.get(int(match[0]), ("", match[0]))
            return str(number)

        return re.sub(r"\b\d+\b", actual, text)


def compare(shown: Any, actual: Any, numbers: Numbers, path: str = "") -> None:
    """Compare two documents, except times, request ids and numbers that the database assigns."""
    name = path.rpartition(".")[2]
    assert type(shown) is type(actual), path
    if isinstance(shown, dict):
        assert shown.keys() == actual.keys(), path
        for key in shown:
            compare(shown[key], actual[key], numbers, f"{path}.{key}")
    elif isinstance(shown, list):
        assert len(shown) == len(actual), path
        for position, (one, other) in enumerate(zip(shown, actual, strict=True)):
            compare(one, other, numbers, f"{path}[{position}]")
    elif name == "next" and isinstance(shown, str):
        assert numbers.replace(shown) == actual
    elif name == "request_id" or isinstance(shown, str) and TIME(shown):
        assert name == "request_id" or TIME(actual), path
    elif kind := assigned_kind(shown, name, path):
        numbers.match(kind, shown, actual)
    else:
        assert shown == actual, path


def assigned_kind(shown: Any, name: str, path: str) -> str | None:
    """Return what the database numbers with such a value; None if the value is not assigned."""
    if type(shown) is not int:
        return None
    if name in ROOM_FIELDS:
        return "room"
    is_item = re.fullmatch(r"\.items\[\d+\]\.id", path)
    if name in ("next", "next_after") or is_item and MAX_CLUSTER < shown < MIN_GEONAMES_ID:
        return "change"
    return "city" if shown >= MIN_UNLISTED_ID else None


def check(response: TestResponse, shown: str, numbers: Numbers) -> None:
    head, _, body = shown.partition("\n\n")
    status, *headers = head.splitlines()
    assert response.status == status.removeprefix("HTTP/1.1 "), response.text
    for name, value in (header.split(": ", 1) for header in headers):
        assert response.headers[name] == (numbers.replace(value) if name == "Location" else value)
    if body:
        compare(json.loads(body), response.json, numbers)
    elif response.status_code == 204:
        assert response.text == ""


def test_every_request_of_the_page_gets_its_response(
    client: FlaskClient, database_url: str
) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    numbers = Numbers()
    response = None
    for language, text in BLOCKS:
        if language == "http":
            assert response is not None, text
            check(response, text, numbers)
            response = None
        elif text.startswith("curl"):
            assert response is None, "a request without a response"
            curl = Curl.parse(numbers.replace(text), ROOMS="http://localhost", KEY=KEY)
            response = client.open(
                curl.address, method=curl.method, data=curl.body, headers=curl.headers
            )
        else:
            program, script, *arguments = shlex.split(numbers.replace(text))
            assert (program, script) == ("python", "manage.py")
            done = run_manage(*arguments, DATABASE_URL=database_url)
            assert done.returncode == 0, done.stderr
    assert len(numbers.actual) > 3


def test_every_route_is_on_the_page_and_no_other(app: Any) -> None:
    headings = re.findall(r"^## `(\w+) (/[^`]*)`", PAGE, re.MULTILINE)
    routes = {
        (method, re.sub(r"<user_id>", "<_id>", re.sub(r"<[^<>]*:(\w+)>", r"<\1>", rule.rule)))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in ("docs", "openapi", "site")
        and not rule.endpoint.endswith("static")
        for method in rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    operators = {("GET", path) for path in ("/livez", "/readyz", "/metrics")}
    forms = {("POST", path) for path in ("/", "/forget", "/rooms/map")}
    assert set(headings) | operators | forms == routes
    for method, path in operators | forms:
        assert f"`{method} {path}`" in PAGE


@pytest.mark.parametrize(
    ("kind", "method", "path", "body"),
    [
        ("not_json", "POST", "/rooms", "{"),
        ("invalid", "POST", "/rooms", "{}"),
        ("no_interests", "POST", "/rooms", '{"_id": "a", "city": "Vigo", "interests": ["padel"]}'),
        ("unknown_city", "POST", "/rooms", '{"_id": "a", "city_id": 1, "interests": ["surf"]}'),
        ("unknown_room", "GET", "/rooms/999999999", None),
        ("unknown_user", "GET", "/users/nobody", None),
    ],
)
def test_each_kind_of_error_has_the_status_of_the_table(
    client: FlaskClient, kind: str, method: str, path: str, body: str | None
) -> None:
    response = client.open(path, method=method, data=body)
    assert response.json["type"] == f"urn:nomad-rooms:{kind}"
    assert (str(response.status_code), kind) in KINDS


def test_without_its_database_the_response_is_503_unavailable_with_retry_after(
    server: Server,
) -> None:
    url = psycopg2_url(server.url_of("missing"))
    app = create_app(Settings(app_env="testing", database_url=url, api_keys=(KEY,)))
    response = app.test_client().get("/rooms/1", headers={"Authorization": f"Bearer {KEY}"})
    assert response.json["type"] == "urn:nomad-rooms:unavailable"
    assert (str(response.status_code), "unavailable") in KINDS
    assert int(response.headers["Retry-After"]) > 0


def test_the_table_of_errors_has_every_problem_type() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "app" / "api").glob("*.py"))
    kinds = set(re.findall(r'"((?:no|unknown|not)_\w+|unavailable|invalid)"', sources))
    # A field of a response, and the type that only /readyz has.
    assert kinds - {"unknown_interests", "not_ready"} == {kind for _, kind in KINDS}
