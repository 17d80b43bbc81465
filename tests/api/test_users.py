"""GET /users/<_id>."""

from flask.testing import FlaskClient

from tests.support.databases import Sql
from tests.support.http import place


def test_a_user_document_has_everything_that_is_stored(client: FlaskClient, sql: Sql) -> None:
    first = place(client, _id="me:1", interests=["surf", "unheard-of"])
    second = place(client, _id="me:1", city="Otra Parte", interests=["surf"])
    sql(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason)"
        " VALUES ('me:1', 1, 2, 'merge')"
    )
    user = client.get("/users/me:1").json
    ((created, joined, updated),) = sql(
        "SELECT created_at, joined_at, updated_at FROM memberships WHERE user_id = 'me:1'"
    )
    assert created < joined == updated
    assert user["moves"][0].pop("at")
    assert {name: user.pop(name)[:19] for name in ("created_at", "joined_at", "updated_at")} == {
        "created_at": created.isoformat()[:19],
        "joined_at": joined.isoformat()[:19],
        "updated_at": updated.isoformat()[:19],
    }
    assert user == {
        "_id": "me:1",
        "room_id": second["room_id"],
        "cluster": second["cluster"],
        "city": second["city"],
        "said_city_id": None,
        "interests": ["surf"],
        "model_id": sql("SELECT id FROM models")[0][0],
        "previous_room_id": first["room_id"],
        "moves": [{"from_room": 1, "to_room": 2, "reason": "merge"}],
    }


def test_an_unknown_user_is_not_found(client: FlaskClient) -> None:
    response = client.get("/users/nobody")
    assert response.status_code == 404
    assert response.json["type"] == "urn:nomad-rooms:unknown_user"


def test_an_id_that_no_database_can_store_is_not_found(client: FlaskClient) -> None:
    assert client.get("/users/%00").status_code == 404
