"""Why this room: GET /users/<_id>?explain=1 and users show --explain."""

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

TICKED = ["concerts", "drinks", "surf", "museums", "unheard-of"]


def why(client: FlaskClient, user: str) -> Any:
    return client.get(f"/users/{user}?explain=1").json["explanation"]


def test_the_shares_are_what_each_interest_adds_to_the_weight(
    client: FlaskClient, model: Model
) -> None:
    placed = place(client, _id="me", interests=TICKED)
    found = why(client, "me")
    assert (found["model_id"], found["cluster"], found["note"]) == (
        model.id,
        placed["cluster"],
        None,
    )
    assert found["unknown_interests"] == ["unheard-of"]
    assert set(found["shares"]) == set(TICKED) - {"unheard-of"}
    assert list(found["shares"].values()) == sorted(found["shares"].values(), reverse=True)
    assert sum(found["shares"].values()) == pytest.approx(1, abs=1e-5)
    weights = dict(zip(model.cluster_ids, model.weights(TICKED), strict=True))
    assert found["room_weight"] == found["weight"] == pytest.approx(max(weights.values()), abs=1e-6)
    assert found["runner_up_weight"] == pytest.approx(sorted(weights.values())[-2], abs=1e-6)
    assert weights[found["runner_up"]] == pytest.approx(found["runner_up_weight"], abs=1e-6)
    assert found["margin"] == pytest.approx(found["weight"] - found["runner_up_weight"], abs=2e-6)


def test_nothing_is_explained_unless_it_is_asked_for(client: FlaskClient) -> None:
    place(client, _id="me", interests=TICKED)
    assert "explanation" not in client.get("/users/me").json
    assert "explanation" not in client.get("/users/me?explain=0").json
    assert client.get("/users/me?explain=perhaps").status_code == 422
    assert client.get("/users/nobody?explain=1").status_code == 404


def test_a_user_of_an_earlier_model_is_told_so(client: FlaskClient, app: Any, sql: Sql) -> None:
    place(client, _id="me", interests=TICKED)
    services = app.extensions["nomad_rooms"]
    user, model = services.members.show("me"), services.model
    newer = replace(model, id="newer")
    note = explain(user, newer).note
    assert note is not None
    assert f"model {model.id} placed the user" in note
    assert "chooses the same" in note
    # What the earlier model called another cluster, and one that there is no more.
    elsewhere = replace(user, cluster=user.cluster % 4 + 1)
    found = explain(elsewhere, newer)
    assert found.note is not None
    assert f"would choose cluster {user.cluster}" in found.note
    assert 0 <= found.room_weight < found.weight
    assert explain(replace(user, cluster=9), newer).room_weight == 0


def test_a_model_that_knows_none_of_the_interests_says_so(client: FlaskClient, app: Any) -> None:
    place(client, _id="me", interests=TICKED)
    services = app.extensions["nomad_rooms"]
    stranger = replace(services.members.show("me"), interests=["unheard-of"])
    found = explain(stranger, services.model)
    assert (found.cluster, found.weight, found.runner_up, found.shares) == (None, 0, None, {})
    assert found.note is not None
    assert "knows none" in found.note


def test_a_terminal_tells_the_same(client: FlaskClient, database_url: str) -> None:
    place(client, _id="me", interests=TICKED)
    told = run_manage("users", "show", "me", "--explain", DATABASE_URL=database_url).stdout
    shown = json.loads(
        run_manage("users", "show", "me", "--explain", "--json", DATABASE_URL=database_url).stdout
    )
    assert shown["explanation"] == why(client, "me")
    first, share = next(iter(shown["explanation"]["shares"].items()))
    assert f"{first} {share:.0%}" in told
    assert "unheard-of" in told
