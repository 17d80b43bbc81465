"""/docs: the reference is whole, its commands work, and its links lead somewhere."""

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.pages.docs.reference import read_reference
from tests.support.documents import Curl
from tests.support.http import place


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").json


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_the_reference_has_every_operation_parameter_answer_schema_and_property(
    client: FlaskClient, document: Any
) -> None:
    page = client.get("/docs").text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (section,) = re.findall(
                rf'<h3 id="{operation["operationId"]}">.*?</section>', page, re.S
            )
            text = text_of(section)
            assert f"{method.upper()} {path}" in text
            assert operation["summary"] in text
            assert ("Needs a key." in text) == bool(operation["security"])
            for parameter in operation["parameters"]:
                assert f"<code>{parameter['name']}</code>" in section
            for status in operation["responses"]:
                assert f"<code>{status}</code>" in section
    for name, schema in document["components"]["schemas"].items():
        (section,) = re.findall(rf'<h3 id="{name}">.*?</section>', page, re.S)
        for key in schema.get("properties", {}):
            assert f"<code>{key}</code>" in section


def test_every_command_of_the_reference_works(client: FlaskClient, document: Any) -> None:
    place(client, _id="6172f1a95cd4e7a2b4c3d2e1")
    commands = [
        (operation, command)
        for group in read_reference(document).groups
        for operation in group.operations
        for _, command in operation.curl
    ]
    assert len(commands) >= len(document["paths"])
    for operation, command in commands:
        curl = Curl.parse(command)
        response = client.open(
            curl.address.removeprefix("$ROOMS"), method=curl.method, data=curl.body
        )
        # Room 17 does not exist.
        expected = (404,) if "{room_id}" in operation.path else (200, 201, 204)
        assert response.status_code in expected, command


def test_types_are_said_in_words(client: FlaskClient) -> None:
    text = re.sub(r"\s+", " ", text_of(client.get("/docs").text))
    assert "limit query integer (1 to 200, default 50), optional" in text
    assert "interests list (at most 100) of string" in text
    assert 'kind "city", "area", "placeless"' in text
    assert "country string (2 characters, matches ^[A-Za-z]{2}$) or null, optional" in text


@pytest.mark.parametrize("address", ["/docs", "/docs/api.md", "/docs/places.md"])
def test_every_link_of_the_documentation_leads_somewhere(client: FlaskClient, address: str) -> None:
    page = client.get(address).text
    for link in re.findall(r'href="([^"]+)"', page):
        path, _, anchor = html.unescape(link).partition("#")
        if "://" in path:
            continue
        target = page
        if path:
            response = client.get(path if path.startswith("/") else f"/docs/{path}")
            assert response.status_code == 200, link
            target = response.text
        if anchor:
            assert f'id="{anchor}"' in target, link


def test_only_the_documents_for_developers_are_served(client: FlaskClient) -> None:
    for name in ("deploy.md", "admins.md", "nothing.md", "..%2FREADME.md"):
        assert client.get(f"/docs/{name}").status_code == 404
    assert client.get("/docs/client.mjs").mimetype == "text/plain"
