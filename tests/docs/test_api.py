"""What docs/api.md shows is what happens, in its order, on one database."""

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
from tests.support.manage import run_manage
from tests.support.paths import ROOT
from tests.support.serving import KEY

PAGE = (ROOT / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```(sh|http)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KINDS = re.findall(r"^\| (\d+) \| `urn:nomad-rooms:(\w+)` \|", PAGE, re.MULTILINE)
# Numbers that the database gives out: any will do, so long as one stands for one all along.
ROOM_NUMBERS = ("room_id", "previous_room_id", "from_room", "to_room")
# The page's own moves are numbered between those of clusters and those of cities.
LAST_CLUSTER = 4
FIRST_GEONAMES_ID = 10_000
FIRST_UNLISTED = 10**12
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z").fullmatch


@dataclass
class Numbers:
    """Which number of the database stands for each that the page shows, of rooms and of others."""

    real: dict[int, tuple[str, int]] = field(default_factory=dict)

    def match(self, kind: str, shown: int, given: int) -> None:
        known = self.real.setdefault(shown, (kind, given))
        assert known == (kind, given), f"{shown} stood for {known}"
        stand_for_it = [number for number, real in self.real.items() if real == (kind, given)]
        assert stand_for_it == [shown], "two numbers for one"

    def replace(self, text: str) -> str:
        """The text of the page with the database's numbers in it."""

        def real(found: re.Match[str]) -> str:
            _, given = self.real.get(int(found[0]), ("", found[0]))
            return str(given)

        return re.sub(r"\b\d+\b", real, text)


def compare(shown: Any, given: Any, numbers: Numbers, path: str = "") -> None:
    """The same documents, but for times, request ids and the numbers that the database gives."""
    name = path.rpartition(".")[2]
    assert type(shown) is type(given), path
    if isinstance(shown, dict):
        assert shown.keys() == given.keys(), path
        for key in shown:
            compare(shown[key], given[key], numbers, f"{path}.{key}")
    elif isinstance(shown, list):
        assert len(shown) == len(given), path
        for position, (one, other) in enumerate(zip(shown, given, strict=True)):
            compare(one, other, numbers, f"{path}[{position}]")
    elif name == "request_id" or isinstance(shown, str) and TIME(shown):
        assert name == "request_id" or TIME(given), path
    elif kind := kind_given_out(shown, name, path):
        numbers.match(kind, shown, given)
    else:
        assert shown == given, path


def kind_given_out(shown: Any, name: str, path: str) -> str | None:
    """What the database counts with such a number, or None: it is what it is."""
    if type(shown) is not int:
        return None
    if name in ROOM_NUMBERS:
        return "room"
    is_item = re.fullmatch(r"\.items\[\d+\]\.id", path)
    if name == "next" or is_item and LAST_CLUSTER < shown < FIRST_GEONAMES_ID:
        return "change"
    return "city" if shown >= FIRST_UNLISTED else None


@dataclass(frozen=True)
class Curl:
    """What a command of curl sends."""

    method: str
    address: str
    headers: dict[str, str]
    body: str | None

    @classmethod
    def parse(cls, command: str, **variables: str) -> "Curl":
        for name, value in variables.items():
            command = command.replace(f"${name}", value)
        curl, *words = shlex.split(command.replace("\\\n", " "))
        assert curl == "curl"
        headers, given = {}, {"-X": None}
        address, data = "", []
        while words:
            word = words.pop(0)
            if word == "-H":
                name, value = words.pop(0).split(": ", 1)
                headers[name] = value
            elif word == "-d":
                data.append(words.pop(0))
            elif word in given:
                given[word] = words.pop(0)
            elif word != "-i":
                address = word
        # curl's own habits: it posts what it is given, as a form, and joins the parts.
        method = given["-X"] or ("POST" if data else "GET")
        if data:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return cls(method, address, headers, "&".join(data) if data else None)


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


def test_every_request_of_the_page_gets_its_answer(client: FlaskClient, database_url: str) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    numbers = Numbers()
    response = None
    for language, text in BLOCKS:
        if language == "http":
            assert response is not None, text
            check(response, text, numbers)
            response = None
        elif text.startswith("curl"):
            assert response is None, "a request without its answer"
            asked = Curl.parse(numbers.replace(text), ROOMS="http://localhost", KEY=KEY)
            response = client.open(
                asked.address, method=asked.method, data=asked.body, headers=asked.headers
            )
        else:
            program, script, *arguments = shlex.split(numbers.replace(text))
            assert (program, script) == ("python", "manage.py")
            done = run_manage(*arguments, DATABASE_URL=database_url)
            assert done.returncode == 0, done.stderr
    assert len(numbers.real) > 3


def test_every_route_is_on_the_page_and_no_other(app: Any) -> None:
    titled = re.findall(r"^## `(\w+) (/[^`]*)`", PAGE, re.MULTILINE)
    routes = {
        (method, re.sub(r"<user_id>", "<_id>", re.sub(r"<[^<>]*:(\w+)>", r"<\1>", rule.rule)))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in ("docs", "openapi")
        and not rule.endpoint.endswith("static")
        for method in rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    operators = {("GET", path) for path in ("/livez", "/readyz", "/metrics")}
    forms = {("POST", path) for path in ("/", "/forget", "/rooms/map")}
    assert set(titled) | operators | forms == routes
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


def test_without_its_database_the_answer_is_503_unavailable_with_retry_after(
    server: Server,
) -> None:
    url = psycopg2_url(server.url_of("never_made"))
    app = create_app(Settings(app_env="testing", database_url=url, api_keys=(KEY,)))
    response = app.test_client().get("/rooms/1", headers={"Authorization": f"Bearer {KEY}"})
    assert response.json["type"] == "urn:nomad-rooms:unavailable"
    assert (str(response.status_code), "unavailable") in KINDS
    assert int(response.headers["Retry-After"]) > 0


def test_the_table_has_every_kind_that_is_made() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "app" / "api").glob("*.py"))
    made = set(re.findall(r'"((?:no|unknown|not)_\w+|unavailable|invalid)"', sources))
    # A field of an answer, and what only /readyz says.
    assert made - {"unknown_interests", "not_ready"} == {kind for _, kind in KINDS}
