"""POST /cluster: the published API's contract, corrected where it failed."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

RECORDED = Path(__file__).parents[1] / "model" / "data" / "published_cluster_responses.jsonl"


def test_responses_equal_the_recorded_ones_of_the_published_api(client: FlaskClient) -> None:
    exchanges = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    assert len(exchanges) == 300
    for exchange in exchanges:
        response = client.post("/cluster", json=exchange["request"])
        assert response.status_code == 200
        assert response.json == exchange["response"]


def test_the_response_has_the_published_apis_bytes(client: FlaskClient) -> None:
    response = client.post("/cluster", json={"_id": "é", "interests": {}})
    assert response.content_type == "application/json"
    assert response.data == '{"_id":"é","cluster":1}\n'.encode()


@pytest.mark.parametrize("echoed", ["", "a b\u0000", 0, -7, 1.5, 2**53 + 1, 10**50])
def test_any_string_or_number_is_echoed(client: FlaskClient, echoed: Any) -> None:
    response = client.post("/cluster", data=json.dumps({"_id": echoed, "interests": ["surf"]}))
    assert json.loads(response.data)["_id"] == echoed


def test_a_missing_interest_means_false(client: FlaskClient) -> None:
    clusters = {
        client.post("/cluster", json={"_id": 1, "interests": interests}).json["cluster"]
        for interests in ({"theaters": True}, {"theaters": 1, "movies": False}, ["theaters"])
    }
    assert len(clusters) == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"interests": {}}, "_id"),
        ({"_id": None, "interests": {}}, "_id"),
        ({"_id": True, "interests": {}}, "_id"),
        ({"_id": [], "interests": {}}, "_id"),
        ({"_id": 10**1000, "interests": {}}, "_id"),
        ({"_id": 1}, "interests"),
        ({"_id": 1, "interests": {"surf": "true"}}, "interests.surf"),
    ],
)
def test_bodies_that_gave_500_get_422_with_the_field(
    client: FlaskClient, body: Any, path: str
) -> None:
    response = client.post("/cluster", data=json.dumps(body))
    assert response.status_code == 422
    assert response.json["errors"][0]["path"] == path
