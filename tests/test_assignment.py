"""POST /rooms: a user joins a room."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from model.predict import Model
from tests.support.databases import Sql
from tests.support.http import SURFER, place, profile_of


def test_the_first_user_of_a_pair_creates_the_room_and_the_second_joins_it(
    client: FlaskClient, model: Model
) -> None:
    response = client.post(
        "/rooms", json={"_id": "a", "city": "Zuheros", "country": "ES", "interests": SURFER}
    )
    first = response.json
    assert response.status_code == 201
    assert first == {
        "_id": "a",
        "room_id": first["room_id"],
        "cluster": model.predict(["surf", "coffee"]),
        "city": {
            "id": first["city"]["id"],
            "name": first["city"]["name"],
            "country": "ES",
            "listed": first["city"]["listed"],
            "kind": "city",
        },
        "hub": None,
        "created": True,
        "joined": True,
        "previous_room_id": None,
        "unknown_interests": [],
        "did_you_mean": [],
    }
    response = client.post(
        "/rooms", json={"_id": "b", "city": "zuheros ", "country": "es", "interests": SURFER}
    )
    assert response.status_code == 200
    assert response.json["room_id"] == first["room_id"]
    assert response.json["created"] is False
    assert response.json["joined"] is True


def test_a_repeated_request_returns_the_same_room_and_changes_no_row(
    client: FlaskClient, sql: Sql
) -> None:
    first = place(client)
    before = sql("SELECT xmin, memberships FROM memberships")
    again = place(client)
    assert again == first | {"created": False, "joined": False}
    assert sql("SELECT xmin, memberships FROM memberships") == before


def test_a_changed_city_moves_the_user_and_returns_the_previous_room(client: FlaskClient) -> None:
    first = place(client)
    moved = place(client, city="Otra Parte del Mar")
    assert moved["joined"] is True
    assert moved["previous_room_id"] == first["room_id"] != moved["room_id"]
    assert place(client, city="Otra Parte del Mar")["previous_room_id"] == first["room_id"]


def test_a_changed_profile_moves_the_user_to_the_room_of_its_cluster(
    client: FlaskClient, model: Model
) -> None:
    first = place(client, interests=profile_of(model, 1))
    moved = place(client, interests=profile_of(model, 2))
    assert (first["cluster"], moved["cluster"]) == (1, 2)
    assert moved["previous_room_id"] == first["room_id"]
    assert moved["city"] == first["city"]


def test_a_changed_profile_of_the_same_cluster_stays_and_is_stored(
    client: FlaskClient, model: Model, sql: Sql
) -> None:
    one = profile_of(model, 3)
    more = next(
        [*one, key] for key in model.interests if key not in one and model.predict([*one, key]) == 3
    )
    first = place(client, interests=one)
    stayed = place(client, interests=more)
    assert stayed["room_id"] == first["room_id"]
    assert stayed["joined"] is False
    assert stayed["previous_room_id"] is None
    assert sql("SELECT interests FROM memberships") == [(sorted(more),)]


def test_both_forms_of_interests_are_equivalent(client: FlaskClient, sql: Sql) -> None:
    place(client, interests={"surf": 1, "coffee": True, "museums": 0, "sushi": False})
    before = sql("SELECT xmin FROM memberships")
    assert place(client, interests=["coffee", "surf", "surf"])["joined"] is False
    assert sql("SELECT xmin FROM memberships") == before


def test_unknown_interests_are_stored_and_reported(client: FlaskClient, sql: Sql) -> None:
    answer = place(client, interests=["surf", "padel, indoor", 'quo"ted', "{brace}"])
    assert answer["unknown_interests"] == ["padel, indoor", 'quo"ted', "{brace}"]
    assert sql("SELECT interests FROM memberships") == [
        (["padel, indoor", 'quo"ted', "surf", "{brace}"],)
    ]


def test_a_room_of_the_old_model_is_kept_until_the_user_changes(
    client: FlaskClient, model: Model, sql: Sql
) -> None:
    """The stored row is that of an older model: another cluster for the same interests."""
    first = place(client, interests=profile_of(model, 1))
    city = first["city"]["id"]
    ((other,),) = sql(
        "INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 4) RETURNING id", (city,)
    )
    sql("UPDATE memberships SET room_id = %s", (other,))
    sql("DELETE FROM rooms WHERE id = %s", (first["room_id"],))
    again = place(client, interests=profile_of(model, 1))
    assert (again["room_id"], again["cluster"], again["joined"]) == (other, 4, False)
    assert sql("SELECT count(*) FROM rooms") == [(1,)], "an empty room was created"


@pytest.mark.parametrize("interests", [[], {}, {"surf": False}, ["unheard-of"]])
def test_no_known_interest_is_refused_and_nothing_is_stored(
    client: FlaskClient, sql: Sql, interests: Any
) -> None:
    body = {"_id": "a", "city": "Nueva Ciudad Sin Nadie", "interests": interests}
    response = client.post("/rooms", json=body)
    assert response.status_code == 422
    assert response.json["type"] == "urn:nomad-rooms:no_interests"
    assert response.json["errors"][0]["path"] == "interests"
    assert sql("SELECT 1 FROM cities WHERE NOT listed") == []


def test_spellings_of_one_unlisted_place_are_one_city(client: FlaskClient) -> None:
    cities = {
        place(client, _id=f"u{number}", city=name)["city"]["id"]
        for number, name in enumerate(
            ["Vilanova d'Enlloc", "VILANOVA D’ENLLOC", " vilanova   d enlloc ", "Vilanová d-Enlloc"]
        )
    }
    assert len(cities) == 1


def test_the_country_distinguishes_places_with_the_same_name(client: FlaskClient) -> None:
    spanish = place(client, _id="a", city="Enlloc de Mar", country="ES")
    french = place(client, _id="b", city="Enlloc de Mar", country="FR")
    own = place(client, _id="c", city="Enlloc de Mar")
    assert spanish["city"]["id"] != french["city"]["id"]
    assert own["city"] == spanish["city"], "without a country it is the app's own"


def test_a_city_id_replaces_the_name(client: FlaskClient) -> None:
    city = place(client)["city"]
    answer = client.post("/rooms", json={"_id": "b", "city_id": city["id"], "interests": ["surf"]})
    assert answer.json["city"] == city


def test_a_merged_city_resolves_to_the_one_it_was_merged_into(
    client: FlaskClient, app: Any, sql: Sql
) -> None:
    right = place(client, _id="a", city="Enlloc de Dalt")["city"]["id"]
    wrong = place(client, _id="b", city="Enloc de Dalt")["city"]["id"]
    sql("UPDATE cities SET merged_into = %s WHERE id = %s", (right, wrong))
    app.extensions["nomad_rooms"].cities.clear_cache()
    app.extensions["nomad_rooms"].rooms.clear_cache()
    assert place(client, _id="c", city="Enloc de Dalt")["city"]["id"] == right
    by_id = client.post("/rooms", json={"_id": "d", "city_id": wrong, "interests": ["surf"]})
    assert by_id.json["city"]["id"] == right


def test_a_gathered_town_shares_its_hubs_room(client: FlaskClient, app: Any, sql: Sql) -> None:
    hub = place(client, _id="a", city="Enlloc Gran")
    town = place(client, _id="b", city="Enlloc Petit", interests=["museums"])["city"]
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub["city"]["id"], town["id"]))
    app.extensions["nomad_rooms"].rooms.clear_cache()
    answer = place(client, _id="c", city="Enlloc Petit")
    assert answer["room_id"] == hub["room_id"]
    assert answer["city"] == town
    assert answer["hub"] == hub["city"]
    assert place(client, _id="c", city="Enlloc Petit")["hub"] == hub["city"]


def test_a_join_whose_cached_room_was_deleted_finds_the_new_one(
    client: FlaskClient, sql: Sql
) -> None:
    first = place(client)
    sql("DELETE FROM memberships")
    sql("DELETE FROM rooms")
    again = place(client)
    assert again["room_id"] != first["room_id"]
    assert again["created"] is True
