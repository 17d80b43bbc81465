"""GET /interests and GET /clusters."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.documents import interests_document
from model.predict import Model


@pytest.fixture
def keyless(app: Any) -> FlaskClient:
    """Return a client without a key."""
    client: FlaskClient = app.test_client()
    return client


def test_interests_are_those_of_the_model_in_its_order(keyless: FlaskClient, model: Model) -> None:
    items = keyless.get("/interests").json["items"]
    assert [item["key"] for item in items] == list(model.interests)
    assert {item["group"] for item in items} == {"sport", "culture", "food", "leisure"}
    by_key = {item["key"]: item for item in items}
    assert by_key["trecking"]["label"] == {"es": "Senderismo", "en": "Trekking"}


def test_the_key_of_an_unpublished_interest_is_its_label(model: Model) -> None:
    extended = replace(model, interests=("chess", *model.interests[1:]))
    assert interests_document(extended)["items"][0] == {
        "key": "chess",
        "group": None,
        "label": {"es": "chess", "en": "chess"},
    }


def test_clusters_have_the_interests_with_the_largest_weights(
    keyless: FlaskClient, model: Model
) -> None:
    response = keyless.get("/clusters").json
    assert response["model_id"] == model.id
    assert [item["id"] for item in response["items"]] == list(model.cluster_ids)
    for item, component in zip(response["items"], model.components, strict=True):
        weights = [top["weight"] for top in item["top_interests"]]
        assert weights == sorted(weights, reverse=True)
        assert weights[0] == pytest.approx(max(component), abs=1e-4)
        assert item["label"]["es"] != item["label"]["en"]


@pytest.mark.parametrize("path", ["/interests", "/clusters"])
def test_an_unchanged_document_is_not_sent_again(keyless: FlaskClient, path: str) -> None:
    first = keyless.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = keyless.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert keyless.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
