"""The try-it page as a plain form, which needs no script."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, psycopg2_url
from app.pages.rendering import WORDS
from tests.support.databases import Server, Sql
from tests.support.serving import KEY

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ID = "try-0123456789abcdef0123456789abcdef"
FORM = {"_id": ID, "city": "Sevilla", "interests": ["surf", "coffee"], "key": KEY}


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """A browser, which sends no key but in a form."""
    del client.environ_base["HTTP_AUTHORIZATION"]
    client.environ_base["HTTP_ACCEPT"] = BROWSER["Accept"]
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es-ES,es;q=0.9,en;q=0.8"
    return client


def names(words: dict[str, Any], path: str = "") -> set[str]:
    return {
        name
        for key, value in words.items()
        for name in (names(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}"})
    }


def test_both_languages_have_words_for_everything_with_the_same_blanks() -> None:
    assert names(WORDS["es"]) == names(WORDS["en"])
    for name in names(WORDS["es"]):
        section, key = name.split(".")
        assert WORDS["es"][section][key].count("{}") == WORDS["en"][section][key].count("{}"), name


@pytest.mark.parametrize(
    ("accepted", "address", "spoken"),
    [
        ("es-MX,es;q=0.9", "/", "es"),
        ("en-GB,en;q=0.9,es;q=0.8", "/", "en"),
        ("fr", "/", "en"),
        ("", "/", "en"),
        ("es", "/?language=en", "en"),
        ("en", "/?language=es", "es"),
        ("es", "/?language=xx", "es"),
    ],
)
def test_the_page_speaks_the_browsers_language_or_the_one_asked_for(
    browser: FlaskClient, accepted: str, address: str, spoken: str
) -> None:
    answer = browser.get(address, headers={"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == spoken
    assert f'<html lang="{spoken}">' in answer.text
    assert WORDS["es" if spoken == "es" else "en"]["page"]["lead"] in answer.text


def test_the_form_leads_to_the_room_that_the_api_gives(browser: FlaskClient) -> None:
    answer = browser.post("/", data=FORM)
    assert answer.status_code == 200
    (room,) = re.findall(r"Tu sala es la (\d+)", answer.text)
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"_id": "another", "city": "Sevilla", "interests": ["surf", "coffee"]}
    assert browser.post("/rooms", json=body, headers=headers).json["room_id"] == int(room)
    assert browser.get(f"/users/{ID}", headers=headers).json["interests"] == ["coffee", "surf"]


def test_the_shares_are_the_models_and_add_up(browser: FlaskClient, model: Any) -> None:
    answer = browser.post("/", data=FORM | {"interests": ["surf", "museums", "drinks"]})
    shown = re.findall(r"<td>(−?[\d,]+)\u00a0%</td>", answer.text)
    shares = sorted(model.explain(["surf", "museums", "drinks"]).shares.values(), reverse=True)
    written = [f"{share * 100:.1f}".replace(".", ",").replace("-", "−") for share in shares]
    assert shown == written
    assert sum(float(text.replace(",", ".").replace("−", "-")) for text in shown) == pytest.approx(
        100, abs=0.2
    )


def test_sending_the_form_again_changes_nothing(browser: FlaskClient, sql: Sql) -> None:
    browser.post("/", data=FORM)
    before = sql("SELECT xmin, * FROM memberships")
    assert "Tu sala es la" not in browser.post("/", data=FORM).text
    assert sql("SELECT xmin, * FROM memberships") == before


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"city": ""}, "city", "city"),
        ({"city": "---"}, "city", "city"),
        ({"interests": []}, "interests", "interests"),
        ({"picked": "1", "picked_as": "Sevilla"}, "city", "city_id"),
        ({"picked": "x", "picked_as": "Sevilla"}, "city", "city_id"),
    ],
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_what_is_wrong_is_told_at_its_field_in_the_persons_language(
    browser: FlaskClient, sql: Sql, changed: Any, field: str, told: str, language: Any
) -> None:
    answer = browser.post(f"/?language={language}", data=FORM | changed)
    assert answer.status_code == 422
    assert WORDS[language]["errors"][told] in answer.text
    assert f'id="{field}-wrong"' in answer.text
    (element,) = re.findall(rf'<\w+ id="{field}"[^>]*>', answer.text)
    assert 'aria-invalid="true"' in element
    assert "autofocus" in element
    assert sql("SELECT 1 FROM memberships") == []


def test_two_things_left_out_are_told_at_once_and_what_was_typed_stays(
    browser: FlaskClient,
) -> None:
    answer = browser.post("/", data={"_id": ID, "city": "", "key": KEY})
    assert WORDS["es"]["errors"]["city"] in answer.text
    assert WORDS["es"]["errors"]["interests"] in answer.text
    answer = browser.post("/", data={"_id": ID, "city": '"><b>', "key": KEY})
    assert 'value="&#34;&gt;&lt;b&gt;"' in answer.text
    answer = browser.post("/", data=FORM | {"city": "---"})
    assert 'value="surf" checked' in answer.text


@pytest.mark.parametrize(("key", "told"), [("", "key_missing"), ("not-the-key", "key_wrong")])
@pytest.mark.parametrize("path", ["/", "/forget"])
def test_without_the_key_the_form_asks_for_it_and_stores_nothing(
    browser: FlaskClient, sql: Sql, path: str, key: str, told: str
) -> None:
    answer = browser.post(path, data=FORM | {"key": key})
    assert answer.status_code == 401
    assert WORDS["es"]["errors"][told] in answer.text
    assert sql("SELECT 1 FROM memberships") == []


def test_a_form_too_large_to_be_read_is_refused_with_a_page(browser: FlaskClient) -> None:
    answer = browser.post("/", data=FORM | {"city": "x" * 20_000})
    assert answer.status_code == 413
    assert WORDS["es"]["errors"]["refused"] in answer.text


def test_the_key_never_comes_back_in_a_page(browser: FlaskClient) -> None:
    for data in (FORM, FORM | {"city": ""}, FORM | {"key": "nearly-the-key"}):
        assert data["key"] not in browser.post("/", data=data).text


def test_a_program_gets_the_problem_document(browser: FlaskClient) -> None:
    answer = browser.post("/", data=FORM | {"city": ""}, headers={"Accept": "*/*"})
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"][0]["path"] == "city"


def test_where_no_key_is_wanted_none_is_asked_for(database_url: str) -> None:
    browser = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    assert 'type="password"' not in browser.get("/", headers=BROWSER).text
    assert browser.post("/forget", data={"_id": ID}, headers=BROWSER).status_code == 200


def test_the_page_moves_and_forgets_nobody_but_those_it_made_up(
    browser: FlaskClient, sql: Sql
) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"_id": "try-of-the-app", "city": "Vigo", "interests": ["surf"]}
    browser.post("/rooms", json=body, headers=headers)
    before = sql("SELECT xmin, * FROM memberships")
    browser.post("/forget", data=FORM | {"_id": "try-of-the-app"})
    browser.post("/", data=FORM | {"_id": "try-of-the-app"})
    assert sql("SELECT xmin, * FROM memberships WHERE user_id = 'try-of-the-app'") == before


def test_forget_me_erases_all_that_was_stored(browser: FlaskClient, sql: Sql) -> None:
    browser.post("/", data=FORM)
    answer = browser.post("/forget", data=FORM)
    assert WORDS["es"]["answer"]["forgotten"] in answer.text
    assert ID not in answer.text
    assert sql("SELECT 1 FROM memberships") == []


def meant(answer: TestResponse) -> list[str]:
    return re.findall(r'name="meant" value="(\d+)"', answer.text)


def test_a_city_nobody_knows_offers_those_it_may_be_and_a_button_goes_there(
    browser: FlaskClient,
) -> None:
    answer = browser.post("/", data=FORM | {"city": "Sevillla"})
    assert meant(answer)[0] == "2510911"
    answer = browser.post("/", data=FORM | {"city": "Sevillla", "meant": "2510911"})
    assert 'name="city" value="Sevilla, ES"' in answer.text
    assert "Antes estabas en la sala" in answer.text
    assert meant(answer) == []


def test_a_picked_city_counts_so_long_as_its_name_stays_in_the_field(browser: FlaskClient) -> None:
    # Sevilla in Colombia, not the one that the name alone means.
    picked = FORM | {"picked": "3668132", "picked_as": "Sevilla, Colombia"}
    answer = browser.post("/", data=picked | {"city": "Sevilla, Colombia"})
    assert '<span data-country="CO">' in answer.text
    assert 'name="picked" value="3668132"' in answer.text
    answer = browser.post("/", data=picked | {"city": "Vigo"})
    assert "Vigo (" in answer.text
    assert 'name="picked" value=""' in answer.text


def test_without_its_database_the_page_says_so_kindly(server: Server) -> None:
    url = psycopg2_url(server.url_of("never_made"))
    browser = create_app(Settings(database_url=url)).test_client()
    answer = browser.post("/?language=es", data=FORM, headers=BROWSER)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert WORDS["es"]["errors"]["unavailable"] in answer.text
    assert 'name="city" value="Sevilla"' in answer.text


def test_a_page_may_load_from_here_alone_and_is_kept_by_nobody(browser: FlaskClient) -> None:
    for answer in (browser.get("/"), browser.get("/rooms/map"), browser.post("/", data={})):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
    script = browser.get("/page/page.js")
    assert script.mimetype == "text/javascript"
    assert script.headers["X-Content-Type-Options"] == "nosniff"
