"""An unlisted village is one place, however people add its country, region and postal code."""

import itertools
from time import process_time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.databases import Sql

# A new user for each request: a place goes with its last user.
user_numbers = itertools.count()


def city_of(client: FlaskClient, name: str, **fields: str) -> dict[str, object]:
    body = {"_id": f"u{next(user_numbers)}", "city": name, "interests": ["surf"], **fields}
    response = client.post("/rooms", json=body)
    assert response.status_code in (200, 201), response.json
    city: dict[str, object] = response.json["city"]
    return city


SPELLINGS = [
    "Albarracín",
    "ALBARRACIN",
    "Albarracín, Spain",
    "Albarracín (España)",
    "Albarracín, Teruel",
    "Albarracín - Teruel - Spain",
    "Albarracín, Aragón",
    "44100 Albarracín",
    "Albarracín 44100, Teruel",
    "Spain, Albarracín",
    "Albarracín España",
    "Albarracín 🇪🇸",
    "Albarracín, ES",
]


def test_a_village_in_many_spellings_is_one_place(client: FlaskClient) -> None:
    cities = [city_of(client, name) for name in SPELLINGS]
    assert {city["id"] for city in cities} == {cities[0]["id"]}
    assert city_of(client, "Albarracín", country="ES") == cities[0]
    assert (cities[0]["country"], cities[0]["listed"]) == ("ES", False)


def test_a_region_tells_two_villages_of_one_name_apart(client: FlaskClient) -> None:
    """The first keeps the plain name; the other is found by its region."""
    asturian = city_of(client, "Enlloc, Asturias")
    galician = city_of(client, "Enlloc, Galicia")
    assert asturian["id"] != galician["id"]
    assert city_of(client, "Enlloc (Galicia), Spain") == galician
    assert city_of(client, "Enlloc") == asturian


def test_a_village_abroad_is_found_without_its_country_while_no_other_has_the_name(
    client: FlaskClient, app: Any
) -> None:
    abroad = city_of(client, "Enlloc-sur-Mer, France")
    assert city_of(client, "Enlloc-sur-Mer") == abroad
    own = city_of(client, "Enlloc-sur-Mer", country="ES")
    assert own["id"] != abroad["id"]
    app.extensions["nomad_rooms"].cities.clear_cache()
    assert city_of(client, "Enlloc-sur-Mer") == own


@pytest.mark.parametrize("code", ["MA", "SE", "XX", "TO"])
def test_a_code_of_no_such_place_is_no_country(client: FlaskClient, code: str) -> None:
    assert city_of(client, f"Enlloc ({code})")["country"] == "ES"


@pytest.mark.parametrize("name", ["nan", "None", "N/A", "#N/A", "null", "undefined", "\\N", "No"])
def test_words_for_nothing_are_refused(client: FlaskClient, sql: Sql, name: str) -> None:
    body = {"_id": "u", "city": name, "interests": ["surf"]}
    response = client.post("/rooms", json=body)
    assert response.status_code == 422
    assert response.json["errors"] == [{"path": "city", "message": "names no place"}]
    assert sql("SELECT 1 FROM cities WHERE NOT listed") == []


def test_an_area_and_a_word_for_no_place_are_one_place_in_all_spellings(
    client: FlaskClient,
) -> None:
    for spellings in (
        ["Spain", "España", "Espanya", "Spain, Europe", "🇪🇸", "SPAIN "],
        ["Mallorca", "Mallorca, Spain", "Majorca", "Mallorca (Illes Balears)"],
        ["Remote", "Nomad", "Anywhere", "Online", "Nómada digital"],
    ):
        assert len({city_of(client, name)["id"] for name in spellings}) == 1, spellings


@pytest.mark.parametrize(
    ("typed", "name", "country", "kind"),
    [
        ("Germany", "Alemania", "DE", "area"),
        ("Andalusia, Spain", "Andalucía", "ES", "area"),
        ("Majorca", "Mallorca", "ES", "area"),
        ("Digital nomad", "Remote", None, "placeless"),
        ("Enlloc", "Enlloc", "ES", "city"),
    ],
)
def test_the_kind_of_a_place_is_told(
    client: FlaskClient, typed: str, name: str, country: str | None, kind: str
) -> None:
    city = city_of(client, typed)
    expected = {"name": name, "country": country, "listed": False, "kind": kind}
    assert city == {"id": city["id"]} | expected


def test_an_area_asks_for_a_city_and_its_people_move_when_they_name_one(
    client: FlaskClient, sql: Sql
) -> None:
    user = {"_id": "u", "interests": ["surf"]}
    first = client.post("/rooms", json=user | {"city": "Canarias"}).json
    names = [city["name"] for city in first["did_you_mean"]]
    assert names == ["Las Palmas de Gran Canaria", "Santa Cruz de Tenerife", "La Laguna"]
    again = client.post("/rooms", json=user | {"city_id": first["city"]["id"]}).json
    assert (again["city"], again["did_you_mean"]) == (first["city"], first["did_you_mean"])
    picked = first["did_you_mean"][1]["id"]
    second = client.post("/rooms", json=user | {"city_id": picked}).json
    assert (second["joined"], second["previous_room_id"]) == (True, first["room_id"])
    assert (second["city"]["id"], second["did_you_mean"]) == (picked, [])


@pytest.mark.parametrize(
    "text",
    [
        "\ufdfa" * 80,
        "an " * 26,
        "," * 76 + "Vigo",
        "a," * 40,
        "st " * 26,
        "la, " * 20,
        "sta. " * 16,
        "es fr de it us an la co ar in md sc pa mt id",
        "spain france " * 6,
        "🇪🇸" * 40,
    ],
)
def test_a_long_text_without_sense_is_read_in_50_ms(app: Flask, text: str) -> None:
    services = app.extensions["nomad_rooms"]
    services.cities.read("Madrid", None)
    began = process_time()
    services.cities.read(text, None)
    read = process_time()
    services.autocomplete.suggest(text, 8)
    assert max(read - began, process_time() - read) < 0.05


def test_an_area_lies_in_the_middle_of_its_people(client: FlaskClient, sql: Sql) -> None:
    for name in ("Fiji", "Mallorca", "Antarctica", "Remote"):
        city_of(client, name)
    places = sql(
        "SELECT area_code, round(latitude), round(longitude) FROM cities WHERE kind <> 'city'"
        " ORDER BY id"
    )
    assert places == [
        ("FJ", -18, 178),
        ("ES~Mallorca", 40, 3),
        ("AQ", None, None),
        ("PLACELESS", None, None),
    ]


def test_a_listed_city_comes_with_the_others_that_may_be_meant(client: FlaskClient) -> None:
    def ask(name: str) -> tuple[str, list[str]]:
        body = {"_id": "u", "city": name, "interests": ["surf"]}
        answer = client.post("/rooms", json=body).json
        found = [f"{city['name']} {city['country']}" for city in answer["did_you_mean"]]
        return answer["city"]["name"], found

    assert ask("Madrid / Barcelona") == ("Madrid", ["Madrid ES", "Barcelona ES"])
    assert ask("Córdoba, Xyzzy") == ("Córdoba", ["Córdoba AR", "Córdoba MX"])
    assert ask("Córdoba, Argentina") == ("Córdoba", [])
    assert ask("Spain") == ("España", ["Madrid ES", "Barcelona ES", "Valencia ES"])


@pytest.mark.parametrize(
    "name", ["0" * 79, "12", "🏴🏴", "🇽🇽 1", "((((", ",,1,,", "/ /a/", "La, La"]
)
def test_no_text_fails(client: FlaskClient, name: str) -> None:
    body = {"_id": "u", "city": name, "interests": ["surf"]}
    assert client.post("/rooms", json=body).status_code in (200, 201, 422)
    assert client.get("/cities", query_string={"q": name}).status_code == 200
