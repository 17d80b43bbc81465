"""GET /rooms/<id>, GET /rooms/<id>/members and GET /rooms."""

import pytest
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
    # Relative to the address of the request, whatever path a router adds to it.
    for path, location in (
        ("/rooms/999999", f"{answer['room_id']}"),
        (
            "/rooms/999999/members?after=u1&limit=7",
            f"../{answer['room_id']}/members?after=u1&limit=7",
        ),
        ("/rooms/999999?room_id=1&_external=1", f"{answer['room_id']}?room_id=1&_external=1"),
    ):
        response = client.get(path)
        assert response.status_code == 308
        assert response.headers["Location"] == location
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


def test_the_members_of_a_room_are_listed_in_pages(client: FlaskClient) -> None:
    users = [f"u{n}" for n in (3, 1, 5, 2, 4)]
    answers = [place(client, _id=user) for user in users]
    place(client, _id="u0", city="Vila Diferent")
    room = answers[0]["room_id"]
    seen, path, pages = [], f"/rooms/{room}/members?limit=2", 0
    while path:
        page = client.get(path).json
        assert len(page["items"]) <= 2
        seen += page["items"]
        path, pages = page["next"], pages + 1
    assert (pages, [member["_id"] for member in seen]) == (3, sorted(users))
    assert seen[0] == {
        "_id": "u1",
        "joined_at": client.get("/users/u1").json["joined_at"],
        "city": answers[1]["city"],
    }
    after = client.get(f"/rooms/{room}/members?after=u4").json
    assert ([member["_id"] for member in after["items"]], after["next"]) == (["u5"], None)
    last = {"items": [], "next_after": None, "next": None}
    assert client.get(f"/rooms/{room}/members?after=u5").json == last


def test_the_members_of_a_hubs_room_have_the_city_that_they_gave(
    client: FlaskClient, sql: Sql
) -> None:
    hub, town = place(client, _id="u1", city="Vila Gran"), place(client, _id="u2", city="Vilafer")
    place(client, _id="stays", city="Vilafer")
    place(client, _id="u2")
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub["city"]["id"], town["city"]["id"]))
    client.application.extensions["nomad_rooms"].rooms.clear_cache()
    assert place(client, _id="u2", city="Vilafer")["room_id"] == hub["room_id"]
    members = client.get(f"/rooms/{hub['room_id']}/members").json["items"]
    assert [member["city"]["name"] for member in members] == ["Vila Gran", "Vilafer"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "after=", "after=%20", f"after={'u' * 65}", "after=a&after=b"],
)
def test_a_page_of_members_that_cannot_be_is_refused(client: FlaskClient, query: str) -> None:
    room = place(client)["room_id"]
    response = client.get(f"/rooms/{room}/members?{query}")
    assert (response.status_code, response.json["errors"][0]["path"]) == (422, query.split("=")[0])
    assert client.get("/rooms/1234567890/members").json["type"] == "urn:nomad-rooms:unknown_room"
