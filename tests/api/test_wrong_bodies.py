"""POST /rooms with invalid bodies: the error names the field, and nothing is stored."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.databases import Sql

GOOD = {"_id": "user-1", "city": "Zuheros", "interests": {"surf": True}}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


WRONG = [
    pytest.param(b"", 400, "", id="nothing"),
    pytest.param(b"city=Zuheros", 400, "", id="not JSON"),
    pytest.param(b'{"_id": NaN}', 422, "_id", id="not a number"),
    pytest.param(b"[" * 5_000, 400, "", id="a nesting bomb"),
    pytest.param(b'{"_id": "\\ud800", "city": "x"}', 400, "", id="a lone surrogate"),
    pytest.param(b"\xff\xfe", 400, "", id="not UTF-8"),
    pytest.param([1, 2], 422, "", id="a list"),
    pytest.param("text", 422, "", id="a string"),
    pytest.param(without("_id"), 422, "_id", id="no _id"),
    pytest.param(GOOD | {"_id": 7}, 422, "_id", id="a number for _id"),
    pytest.param(GOOD | {"_id": ""}, 422, "_id", id="an empty _id"),
    pytest.param(GOOD | {"_id": "x" * 65}, 422, "_id", id="a long _id"),
    pytest.param(GOOD | {"_id": "a b"}, 422, "_id", id="a space in _id"),
    pytest.param(GOOD | {"_id": "a\n"}, 422, "_id", id="a newline after _id"),
    pytest.param(GOOD | {"_id": "a\u0000"}, 422, "_id", id="NUL in _id"),
    pytest.param(without("city"), 422, "", id="no city"),
    pytest.param(GOOD | {"city": ""}, 422, "city", id="an empty city"),
    pytest.param(GOOD | {"city": "   "}, 422, "city", id="a blank city"),
    pytest.param(GOOD | {"city": "---"}, 422, "city", id="a city of dashes"),
    pytest.param(GOOD | {"city": "🏖"}, 422, "city", id="an emoji for city"),
    pytest.param(GOOD | {"city": "x" * 81}, 422, "city", id="a long city"),
    pytest.param(GOOD | {"city": "a\u0000b"}, 422, "city", id="NUL in city"),
    pytest.param(GOOD | {"city": 28}, 422, "city", id="a number for city"),
    pytest.param(GOOD | {"country": "Spain"}, 422, "country", id="a name for country"),
    pytest.param(GOOD | {"country": "ZZ"}, 422, "country", id="an unassigned country"),
    pytest.param(GOOD | {"country": "\u0000\u0000"}, 422, "country", id="NUL in country"),
    pytest.param(GOOD | {"city_id": "12"}, 422, "city_id", id="a string for city_id"),
    pytest.param(GOOD | {"city_id": 2**63}, 422, "city_id", id="a huge city_id"),
    pytest.param(GOOD | {"city_id": 999}, 422, "city_id", id="an unknown city_id"),
    pytest.param(without("interests"), 422, "interests", id="no interests"),
    pytest.param(GOOD | {"interests": "surf"}, 422, "interests", id="a string for interests"),
    pytest.param(GOOD | {"interests": None}, 422, "interests", id="null for interests"),
    pytest.param(GOOD | {"interests": {"surf": "yes"}}, 422, "interests.surf", id="yes"),
    pytest.param(GOOD | {"interests": {"surf": 1.0}}, 422, "interests.surf", id="1.0"),
    pytest.param(GOOD | {"interests": {"surf": 2}}, 422, "interests.surf", id="2"),
    pytest.param(GOOD | {"interests": {"surf": None}}, 422, "interests.surf", id="null"),
    pytest.param(GOOD | {"interests": {"surf": []}}, 422, "interests.surf", id="an empty list"),
    pytest.param(GOOD | {"interests": ["surf", 3]}, 422, "interests.1", id="a number in a list"),
    pytest.param(GOOD | {"interests": ["surf", ""]}, 422, "interests", id="an empty key"),
    pytest.param(GOOD | {"interests": ["surf", "a\u0000"]}, 422, "interests", id="NUL in a key"),
    pytest.param(GOOD | {"interests": {"\u0000": True}}, 422, "interests", id="NUL as a key"),
    pytest.param(GOOD | {"interests": ["x" * 65]}, 422, "interests", id="a long key"),
    pytest.param(
        GOOD | {"interests": [f"k{n}" for n in range(101)]}, 422, "interests", id="101 keys"
    ),
    pytest.param(GOOD | {"padding": "x" * 16_384}, 413, "", id="over 16 KiB"),
]


@pytest.mark.parametrize(("body", "status", "path"), WRONG)
def test_an_invalid_body_names_its_field_and_stores_nothing(
    client: FlaskClient, sql: Sql, body: Any, status: int, path: str
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post("/rooms", data=data, content_type="application/json")
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    problem = response.json
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-ID"]
    if path:
        assert path in [error["path"] for error in problem["errors"]]
        assert all(error["message"] for error in problem["errors"])
    assert sql("SELECT 1 FROM memberships") == []
    assert sql("SELECT 1 FROM cities WHERE NOT listed") == []


def test_all_errors_of_a_body_are_reported_at_once(client: FlaskClient) -> None:
    body = {"_id": "a b", "city": "", "country": "ZZ", "interests": {"surf": "yes", "sushi": 5}}
    errors = client.post("/rooms", json=body).json["errors"]
    assert {error["path"] for error in errors} == {
        "_id",
        "city",
        "country",
        "interests.surf",
        "interests.sushi",
    }


def test_an_error_does_not_repeat_the_request(client: FlaskClient) -> None:
    body = GOOD | {"_id": "secret id", "city": "x" * 90 + "secret-city"}
    assert "secret" not in client.post("/rooms", json=body).text
