"""The answer of the form, and the links that lead to it."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, psycopg2_url
from app.domain.analytics.city_figures import FIND
from app.domain.analytics.publication import publish
from app.pages.rendering import TRANSLATIONS
from app.services import EXTENSION
from tests.support.analysts import SEVILLA, add_members
from tests.support.databases import Server, Sql, sql_on
from tests.support.pages import BROWSER, FORM, ID
from tests.support.serving import KEY

DOS_HERMANAS = 2518794
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def card(response: TestResponse) -> tuple[str, str]:
    """Return the text of the answer: what is in the open, and what "Why this room?" holds."""
    (result,) = re.findall(r'<section id="result".*?</section>', response.text, re.DOTALL)
    in_the_open, _, details = result.partition("<details>")
    return tuple(  # type: ignore[return-value]
        " ".join(html.unescape(re.sub("<[^>]+>", " ", part)).split())
        for part in (in_the_open, details)
    )


def test_the_answer_names_the_room_by_its_city_and_taste_and_counts_its_people(
    browser: FlaskClient,
) -> None:
    fields = FORM | {"interests": ["museums", "theaters"]}
    in_the_open, details = card(browser.post("/", data=fields))
    assert in_the_open.startswith("Tu sala · España Sevilla · Teatro, museos y fitness")
    assert "Has abierto esta sala" in in_the_open
    assert re.search(r"Sala \d+, grupo 4", details)
    assert ID in details
    assert ID not in in_the_open
    assert "rupo" not in in_the_open
    second = browser.post("/?language=en", data=fields | {"_id": f"try-{'1' * 32}"})
    in_the_open, _ = card(second)
    assert "Sevilla · Theater, museums and fitness" in in_the_open
    assert "2 people, you are the newest" in in_the_open
    assert "The right room for: Theater , Museums" in in_the_open
    again, _ = card(browser.post("/?language=en", data=fields | {"_id": f"try-{'1' * 32}"}))
    assert "Still your room" in again
    assert "newest" not in again


def test_what_five_others_like_too_is_shared(browser: FlaskClient, sql: Sql) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    for number in range(5):
        interests = ["museums", "theaters", "coffee"] if number else ["museums", "theaters"]
        body = {"_id": f"other-{number}", "city": "Sevilla", "interests": interests}
        browser.post("/rooms", json=body, headers=headers)
    fields = FORM | {"interests": ["museums", "theaters", "coffee"]}
    in_the_open, _ = card(browser.post("/", data=fields))
    assert "6 personas, eres la más reciente Coincidís en: Museos , Teatro" in in_the_open
    sql("UPDATE memberships SET interests = '{coffee,museums}' WHERE user_id = 'other-0'")
    in_the_open, _ = card(browser.post("/", data=fields))
    assert "Coincidís en: Café , Museos" in in_the_open


def test_the_chats_address_is_the_first_button_where_it_is_known(database_url: str) -> None:
    settings = Settings(
        database_url=psycopg2_url(database_url),
        chat_url_template="https://chat.example/{room_id}?from=nomad&room={room_id}",
    )
    page = create_app(settings).test_client().post("/?language=en", data=FORM, headers=BROWSER).text
    (room,) = re.findall(r"Room (\d+), group", page)
    address = f"https://chat.example/{room}?from=nomad&amp;room={room}"
    assert f'<a class="button" href="{address}">Open the chat</a>' in page
    assert "data-copy=" not in page


def test_without_the_chats_address_the_rooms_id_can_be_copied(browser: FlaskClient) -> None:
    page = browser.post("/", data=FORM).text
    (room,) = re.findall(r"Sala (\d+), grupo", page)
    assert f"<code>{room}</code>" in page
    assert re.search(rf'<button type="button" data-copy="{room}"[^>]* hidden>', page)
    assert "chat" not in card(browser.post("/", data=FORM))[0]


def inputs(response: TestResponse) -> dict[str, str]:
    """Return the values of the form's hidden and text inputs."""
    values = re.findall(r'name="(\w+)" value="([^"]*)"', response.text)
    names = ("city", "picked", "picked_as")
    return {name: html.unescape(value) for name, value in values if name in names}


@pytest.mark.parametrize("city", ["Sevilla", "Sevilla, Colombia", '"><b>Casa & Co', "Andalucía"])
def test_a_link_leads_others_into_the_room_that_a_user_opened(
    browser: FlaskClient, city: str
) -> None:
    page = browser.post("/", data=FORM | {"city": city}).text
    (link,) = re.findall(r'href="([^"]*)" data-copied', page)
    linked = inputs(browser.get(html.unescape(link)))
    second = browser.post("/", data=FORM | linked | {"_id": f"try-{'1' * 32}"}).text
    assert "2 personas" in second
    assert "Compartir un enlace" not in second


def test_a_link_to_a_city_tells_the_published_number_of_its_people(
    browser: FlaskClient, sql: Sql
) -> None:
    texts = TRANSLATIONS["es"]["page"]
    add_members(sql, 1_203, joined=YESTERDAY)
    # A gathered town's people are in the rooms of its hub.
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (SEVILLA, DOS_HERMANAS))
    publish(browser.application.extensions[EXTENSION].database)
    for city, name in ((SEVILLA, "Sevilla"), (DOS_HERMANAS, "Dos Hermanas")):
        page = browser.get(f"/?city_id={city}").text
        assert texts["rooms_of"].format(name) in page
        assert texts["people"].format("1.205") in page
        assert f'name="picked" value="{city}"' in page


def test_who_looks_at_a_city_before_and_after_sees_neither_a_join_nor_an_erasure(
    browser: FlaskClient, sql: Sql
) -> None:
    def look() -> str:
        return card(browser.get(f"/?city_id={SEVILLA}"))[0]

    nobody = look()
    assert TRANSLATIONS["es"]["page"]["empty"] in nobody
    headers = {"Authorization": f"Bearer {KEY}"}
    members = [f"other-{number}" for number in range(5)]
    for member in members:
        body = {"_id": member, "city": "Sevilla", "interests": ["surf"]}
        assert browser.post("/rooms", json=body, headers=headers).status_code in (200, 201)
        assert look() == nobody
    sql("UPDATE memberships SET created_at = %s, joined_at = %s", (YESTERDAY, YESTERDAY))
    publish(browser.application.extensions[EXTENSION].database)
    published = look()
    assert TRANSLATIONS["es"]["page"]["people"].format(5) in published
    for member in members:
        browser.delete(f"/users/{member}", headers=headers)
        assert look() == published


def test_a_citys_number_is_one_row_of_indexes(new_database: str) -> None:
    run = sql_on(new_database)
    run(
        "INSERT INTO published (view, key, size, cells) SELECT view, key, 9, '{}'"
        " FROM unnest('{rooms,cities,gatherings}'::text[]) AS view, generate_series(1, 9999) AS key"
    )
    run("ANALYZE published")
    plan = "\n".join(line for (line,) in run(f"EXPLAIN {FIND}", {"city": SEVILLA}))
    assert "Index Scan using pk_published" in plan, plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    "query",
    [
        {"city_id": "1"},
        {"city_id": "9" * 18},
        {"city_id": "9" * 5_000},
        {"city_id": "-1"},
        {"city_id": "٣"},
        {"city_id": "2510911 OR 1=1"},
        {"city": "<script>alert(1)</script>"},
        {"city": "x" * 5_000},
        {"city": "\x00\u202e"},
    ],
)
def test_a_link_with_any_values_shows_the_form(browser: FlaskClient, query: Any) -> None:
    response = browser.get("/", query_string=query)
    assert response.status_code == 200
    assert TRANSLATIONS["es"]["page"]["empty_title"] in response.text
    assert "<script>alert" not in response.text
    (value,) = re.findall(r'name="city" value="([^"]*)"', response.text)
    assert len(html.unescape(value)) <= 80
    assert browser.get("/?city=%ff%fe").status_code == 200


def test_a_link_does_not_reveal_what_users_typed(browser: FlaskClient, sql: Sql) -> None:
    browser.post("/", data=FORM | {"city": "Casa de Ana"})
    ((city,),) = sql("SELECT id FROM cities WHERE name = 'Casa de Ana'")
    assert "Casa de Ana" not in browser.get(f"/?city_id={city}").text


def test_without_its_database_a_link_still_shows_the_form(server: Server) -> None:
    url = psycopg2_url(server.url_of("never_made"))
    browser = create_app(Settings(database_url=url)).test_client()
    response = browser.get("/?city_id=2510911&language=es", headers=BROWSER)
    assert response.status_code == 200
    assert TRANSLATIONS["es"]["page"]["empty_title"] in response.text
