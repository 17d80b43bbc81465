"""GET /interests and GET /clusters."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.documents import interests_document
from model.predict import Model


@pytest.fixture
def stranger(app: Any) -> FlaskClient:
    """A client without a key."""
    made: FlaskClient = app.test_client()
    return made


def test_the_form_offers_what_the_model_knows_in_its_order(
    stranger: FlaskClient, model: Model
) -> None:
    items = stranger.get("/interests").json["items"]
    assert [item["key"] for item in items] == list(model.interests)
    assert {item["group"] for item in items} == {"sport", "culture", "food", "leisure"}
    by_key = {item["key"]: item for item in items}
    assert by_key["trecking"]["label"] == {"es": "Senderismo", "en": "Trekking"}


def test_an_interest_that_only_a_new_model_knows_stands_for_itself(model: Model) -> None:
    grown = replace(model, interests=("chess", *model.interests[1:]))
    assert interests_document(grown)["items"][0] == {
        "key": "chess",
        "group": None,
        "label": {"es": "chess", "en": "chess"},
    }


def test_clusters_tell_what_weighs_most_in_each(stranger: FlaskClient, model: Model) -> None:
    answer = stranger.get("/clusters").json
    assert answer["model_id"] == model.id
    assert [item["id"] for item in answer["items"]] == list(model.cluster_ids)
    for item, component in zip(answer["items"], model.components, strict=True):
        weights = [top["weight"] for top in item["top_interests"]]
        assert weights == sorted(weights, reverse=True)
        assert weights[0] == pytest.approx(max(component), abs=1e-4)
        assert item["label"]["es"] != item["label"]["en"]


@pytest.mark.parametrize("path", ["/interests", "/clusters"])
def test_what_has_not_changed_is_not_sent_again(stranger: FlaskClient, path: str) -> None:
    first = stranger.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = stranger.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert stranger.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
