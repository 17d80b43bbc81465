"""GET /users/<_id>?explain=1 and users show --explain: why a user is in their room."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.members.explanation import explain
from model.predict import Model
from tests.support.databases import Sql
from tests.support.http import place
from tests.support.manage import run_manage

INTERESTS = ["concerts", "drinks", "surf", "museums", "unheard-of"]


def get_explanation(client: FlaskClient, user: str) -> Any:
    return client.get(f"/users/{user}?explain=1").json["explanation"]


def test_the_shares_of_the_interests_sum_to_the_weight(client: FlaskClient, model: Model) -> None:
    placed = place(client, _id="me", interests=INTERESTS)
    explanation = get_explanation(client, "me")
    assert (explanation["model_id"], explanation["cluster"], explanation["note"]) == (
        model.id,
        placed["cluster"],
        None,
    )
    assert explanation["unknown_interests"] == ["unheard-of"]
    assert set(explanation["shares"]) == set(INTERESTS) - {"unheard-of"}
    assert list(explanation["shares"].values()) == sorted(
        explanation["shares"].values(), reverse=True
    )
    assert sum(explanation["shares"].values()) == pytest.approx(1, abs=1e-5)
    weights = dict(zip(model.cluster_ids, model.weights(INTERESTS), strict=True))
    assert (
        explanation["room_weight"]
        == explanation["weight"]
        == pytest.approx(max(weights.values()), abs=1e-6)
    )
    assert explanation["runner_up_weight"] == pytest.approx(sorted(weights.values())[-2], abs=1e-6)
    assert weights[explanation["runner_up"]] == pytest.approx(
        explanation["runner_up_weight"], abs=1e-6
    )
    assert explanation["margin"] == pytest.approx(
        explanation["weight"] - explanation["runner_up_weight"], abs=2e-6
    )


def test_there_is_no_explanation_unless_requested(client: FlaskClient) -> None:
    place(client, _id="me", interests=INTERESTS)
    assert "explanation" not in client.get("/users/me").json
    assert "explanation" not in client.get("/users/me?explain=0").json
    assert client.get("/users/me?explain=perhaps").status_code == 422
    assert client.get("/users/nobody?explain=1").status_code == 404


def test_the_note_names_an_earlier_model(client: FlaskClient, app: Any, sql: Sql) -> None:
    place(client, _id="me", interests=INTERESTS)
    services = app.extensions["nomad_rooms"]
    user, model = services.members.show("me"), services.model
    newer = replace(model, id="newer")
    note = explain(user, newer).note
    assert note is not None
    assert f"model {model.id} placed the user" in note
    assert "chooses the same" in note
    # The newer model predicts another cluster, or no longer has the user's.
    elsewhere = replace(user, cluster=user.cluster % 4 + 1)
    explanation = explain(elsewhere, newer)
    assert explanation.note is not None
    assert f"would choose cluster {user.cluster}" in explanation.note
    assert 0 <= explanation.room_weight < explanation.weight
    assert explain(replace(user, cluster=9), newer).room_weight == 0


def test_the_note_tells_that_all_interests_are_unknown(client: FlaskClient, app: Any) -> None:
    place(client, _id="me", interests=INTERESTS)
    services = app.extensions["nomad_rooms"]
    user = replace(services.members.show("me"), interests=["unheard-of"])
    explanation = explain(user, services.model)
    assert (explanation.cluster, explanation.weight, explanation.runner_up, explanation.shares) == (
        None,
        0,
        None,
        {},
    )
    assert explanation.note is not None
    assert "knows none" in explanation.note


def test_the_command_prints_the_same(client: FlaskClient, database_url: str) -> None:
    place(client, _id="me", interests=INTERESTS)
    output = run_manage("users", "show", "me", "--explain", DATABASE_URL=database_url).stdout
    shown = json.loads(
        run_manage("users", "show", "me", "--explain", "--json", DATABASE_URL=database_url).stdout
    )
    assert shown["explanation"] == get_explanation(client, "me")
    first, share = next(iter(shown["explanation"]["shares"].items()))
    assert f"{first} {share:.0%}" in output
    assert "unheard-of" in output
