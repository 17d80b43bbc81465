"""GET /rooms/<id> and GET /rooms."""

from flask.testing import FlaskClient

from model.predict import Model
from tests.support.databases import Sql
from tests.support.http import place


def test_a_room_has_its_city_cluster_label_and_members(client: FlaskClient, model: Model) -> None:
    answer = place(client)
    place(client, _id="user-2")
    room = client.get(f"/rooms/{answer['room_id']}").json
    label = next(c for c in model.clusters if c.id == answer["cluster"])
    assert room == {
        "room_id": answer["room_id"],
        "city": answer["city"],
        "cluster": {
            "id": answer["cluster"],
            "label": {"es": label.label_es, "en": label.label_en},
        },
        "members": 2,
        "created_at": room["created_at"],
    }
    assert room["created_at"].endswith("Z")


def test_a_merged_room_redirects(client: FlaskClient, sql: Sql) -> None:
    answer = place(client)
    sql(
        "INSERT INTO room_redirects (id, city_id, cluster_id, room_id) VALUES (999999, %s, 1, %s)",
        (answer["city"]["id"], answer["room_id"]),
    )
    response = client.get("/rooms/999999")
    assert response.status_code == 308
    assert response.headers["Location"] == f"/rooms/{answer['room_id']}"
    assert response.headers["Cache-Control"] == "no-store"


def test_an_unknown_room_is_not_found(client: FlaskClient) -> None:
    for path in ("/rooms/1234567890", f"/rooms/{2**80}", "/rooms/x"):
        response = client.get(path)
        assert response.status_code == 404, path
        assert response.content_type == "application/problem+json"


def test_rooms_are_filtered_and_paginated(client: FlaskClient) -> None:
    placed = [place(client, _id=f"u{n}", city=f"Vila {n}", country="ES") for n in range(5)]
    placed.append(place(client, _id="v", city="Vila 0", country="FR"))
    seen, path = [], "/rooms?limit=2"
    while path:
        page = client.get(path).json
        assert len(page["items"]) <= 2
        seen += [room["room_id"] for room in page["items"]]
        path = page["next"]
        assert page["next_after"] == (seen[-1] if path else None)
    assert seen == [answer["room_id"] for answer in placed]
    in_france = client.get("/rooms?country=FR").json["items"]
    assert [room["room_id"] for room in in_france] == [placed[-1]["room_id"]]
    in_city = client.get("/rooms?city=vila+3&country=ES").json["items"]
    assert [room["room_id"] for room in in_city] == [placed[3]["room_id"]]
    assert client.get("/rooms?city=never+typed").json == {
        "items": [],
        "next": None,
        "next_after": None,
    }
    assert client.get(f"/rooms?cluster={placed[0]['cluster']}").json["items"]
    for wrong in ("limit=0", "limit=1&limit=2", "after=x", "country=ZZ", "city=---", "cluster=0"):
        assert client.get(f"/rooms?{wrong}").status_code == 422, wrong
