"""/openapi.json as the programs read it that generate clients."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.auth import OPEN_ENDPOINTS
from app.api.openapi import PROBLEM_TYPES
from tests.docs.test_api import KINDS

OPERATIONS = {
    ("get", "/changes"): "listChanges",
    ("get", "/cities"): "suggestCities",
    ("post", "/cluster"): "predictCluster",
    ("get", "/clusters"): "listClusters",
    ("get", "/interests"): "listInterests",
    ("get", "/livez"): "getLiveness",
    ("get", "/readyz"): "getReadiness",
    ("get", "/rooms"): "listRooms",
    ("post", "/rooms"): "placeUser",
    ("get", "/rooms/{room_id}"): "getRoom",
    ("get", "/users/{user_id}"): "getUser",
    ("delete", "/users/{user_id}"): "deleteUser",
}


@pytest.fixture
def document(client: FlaskClient) -> Any:
    """The document that the service serves."""
    return client.get("/openapi.json").json


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a document, except those of examples."""
    if isinstance(tree, dict):
        yield tree
        tree = [value for key, value in tree.items() if key not in ("example", "examples")]
    if isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_operations_are_called_what_a_client_would_call_them(document: Any) -> None:
    called = {key: operation["operationId"] for key, operation in operations(document).items()}
    assert called.items() >= OPERATIONS.items()


def test_each_schema_is_in_the_document_once(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert not [name for name in schemas if "." in name]
    texts = [json.dumps(schema, sort_keys=True) for schema in schemas.values()]
    assert len(set(texts)) == len(texts)
    references = {node["$ref"] for node in nodes(document) if "$ref" in node}
    assert references == {f"#/components/schemas/{name}" for name in schemas}


def test_no_type_is_named_after_a_field_and_no_field_has_null_as_its_default(document: Any) -> None:
    for node in nodes([document["paths"], document["components"]]):
        assert not isinstance(node.get("title"), str)
        assert node.get("default", 0) is not None


def test_a_user_has_a_city_or_its_id_and_interests_are_a_list_first(document: Any) -> None:
    request = document["components"]["schemas"]["RoomRequest"]
    assert request["allOf"] == [{"anyOf": [{"required": ["city"]}, {"required": ["city_id"]}]}]
    as_list, as_flags = request["properties"]["interests"]["anyOf"]
    assert as_list["type"] == "array"
    assert as_flags == {"$ref": "#/components/schemas/InterestFlags"}
    flags = document["components"]["schemas"]["InterestFlags"]
    assert flags["additionalProperties"] == {"type": "boolean"}


def test_a_room_that_moved_has_a_location_and_no_content(document: Any) -> None:
    moved = document["paths"]["/rooms/{room_id}"]["get"]["responses"]["308"]
    assert "content" not in moved
    assert moved["headers"]["Location"]["required"]


def test_path_parameters_have_a_type_and_an_example(document: Any) -> None:
    for operation in operations(document).values():
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "room_id":
                assert parameter["schema"]["type"] == "integer"
            if parameter["in"] == "path":
                assert "example" in parameter


def test_every_operation_states_whether_it_needs_a_key(document: Any, app: Any) -> None:
    without = [key for key, value in operations(document).items() if value["security"] == []]
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in OPEN_ENDPOINTS}
    assert {path for _, path in without} == rules & set(document["paths"])


def test_the_types_of_problems_are_those_of_the_page(document: Any) -> None:
    types = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert types == ["about:blank", *(f"urn:nomad-rooms:{kind}" for kind in PROBLEM_TYPES)]
    assert set(PROBLEM_TYPES) - {"not_ready"} == {kind for _, kind in KINDS}


def test_reasons_and_groups_are_enumerations(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert "merge" in schemas["ChangeAnswer"]["properties"]["reason"]["enum"]
    group = schemas["InterestAnswer"]["properties"]["group"]["anyOf"][0]
    assert group["enum"] == ["sport", "culture", "food", "leisure"]
