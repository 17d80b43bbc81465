"""The page as a plain form, without JavaScript."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, psycopg2_url
from app.pages.form.form import choices
from app.pages.rendering import TRANSLATIONS
from tests.support.databases import Server, Sql
from tests.support.pages import BROWSER, FORM, ID
from tests.support.paths import ROOT
from tests.support.serving import KEY

PAGES = ROOT / "app/pages"


def names(texts: dict[str, Any], path: str = "") -> set[str]:
    return {
        name
        for key, value in texts.items()
        for name in (names(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}"})
    }


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    assert names(TRANSLATIONS["es"]) == names(TRANSLATIONS["en"])
    for name in names(TRANSLATIONS["es"]):
        section, key = name.split(".")
        counts = {texts[section][key].count("{}") for texts in TRANSLATIONS.values()}
        assert len(counts) == 1, name


def test_every_text_is_used() -> None:
    files = [file for file in PAGES.rglob("*") if file.suffix in (".html", ".py", ".js")]
    sources = "\n".join(file.read_text("utf-8") for file in files)
    for name in names(TRANSLATIONS["en"]):
        section, key = name.split(".")
        if section in ("groups", "regions"):  # their keys are those of the data that they name
            continue
        # Two hints are found by the name of their heading; the script gets a section as one object.
        key = key.removesuffix("_hint") if section == "errors" else key
        plain = rf"|\b{key}\b" if section == "suggestions" else ""
        assert re.search(rf'texts\.{section}\.{key}\b|"{key}"{plain}', sources), name


@pytest.mark.parametrize(
    ("accepted", "address", "expected"),
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
def test_the_page_is_in_the_browsers_language_or_the_one_of_its_address(
    browser: FlaskClient, accepted: str, address: str, expected: str
) -> None:
    response = browser.get(address, headers={"Accept-Language": accepted})
    assert response.headers["Content-Language"] == expected
    assert f'<html lang="{expected}">' in response.text
    assert TRANSLATIONS["es" if expected == "es" else "en"]["page"]["lead"] in response.text


def test_the_form_leads_to_the_same_room_as_the_api(browser: FlaskClient) -> None:
    response = browser.post("/", data=FORM)
    assert response.status_code == 200
    (room,) = re.findall(r"Sala (\d+), grupo", response.text)
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"_id": "another", "city": "Sevilla", "interests": ["surf", "coffee"]}
    assert browser.post("/rooms", json=body, headers=headers).json["room_id"] == int(room)
    assert browser.get(f"/users/{ID}", headers=headers).json["interests"] == ["coffee", "surf"]


def test_the_shares_are_the_models_and_add_up(browser: FlaskClient, model: Any) -> None:
    response = browser.post("/", data=FORM | {"interests": ["surf", "museums", "drinks"]})
    shown = re.findall(r"<td>(−?[\d,]+)\u00a0%</td>", response.text)
    shares = sorted(model.explain(["surf", "museums", "drinks"]).shares.values(), reverse=True)
    written = [f"{share * 100:.1f}".replace(".", ",").replace("-", "−") for share in shares]
    assert shown == written
    assert sum(float(text.replace(",", ".").replace("−", "-")) for text in shown) == pytest.approx(
        100, abs=0.2
    )


def test_sending_the_form_again_changes_nothing(browser: FlaskClient, sql: Sql) -> None:
    browser.post("/", data=FORM)
    before = sql("SELECT xmin, * FROM memberships")
    assert TRANSLATIONS["es"]["result"]["stays"] in browser.post("/", data=FORM).text
    assert sql("SELECT xmin, * FROM memberships") == before


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"city": ""}, "city", "city"),
        ({"city": "---"}, "city", "city"),
        ({"interests": []}, "interests", "interests"),
        ({"picked": "1", "picked_as": "Sevilla"}, "city", "city_id"),
        ({"picked": "x", "picked_as": "Sevilla"}, "city", "city_id"),
    ],
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_an_error_is_shown_at_its_field_in_the_language_of_the_page(
    browser: FlaskClient, sql: Sql, changed: Any, field: str, message: str, language: Any
) -> None:
    response = browser.post(f"/?language={language}", data=FORM | changed)
    assert response.status_code == 422
    assert TRANSLATIONS[language]["errors"][message] in response.text
    assert f'class="error" id="{field}-hint"' in response.text
    (element,) = re.findall(rf'<\w+ id="{field}"[^>]*>', response.text)
    assert 'aria-invalid="true"' in element
    assert "autofocus" in element
    assert sql("SELECT 1 FROM memberships") == []


@pytest.mark.parametrize("changed", [{"city": ""}, {"city": "---"}, {"city": "x" * 81}])
@pytest.mark.parametrize("key", ["", "not-the-key", KEY])
def test_all_errors_are_shown_at_once_and_the_first_takes_the_focus(
    browser: FlaskClient, changed: Any, key: str
) -> None:
    page = browser.post("/", data=FORM | {"interests": [], "key": key} | changed).text
    wrong = ["city", "interests"] if key == KEY else ["city", "interests", "key"]
    assert re.findall(r'class="error" id="(\w+)-hint"', page) == wrong
    assert re.findall(r'<\w+ id="(\w+)"[^>]* autofocus', page) == ["city"]


@pytest.mark.parametrize(
    ("interests", "message"),
    [
        ([f"interest-{number}" for number in range(300)], "too_many_interests"),
        (["flying"], "unknown_interests"),
        (["surf", "x" * 65], "unknown_interests"),
        (["surf", "x\x07"], "unknown_interests"),
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_interests_that_the_form_does_not_offer_are_said_to_be_wrong(
    browser: FlaskClient, interests: list[str], message: str, key: str
) -> None:
    page = browser.post("/", data=FORM | {"interests": interests, "key": key}).text
    assert TRANSLATIONS["es"]["errors"][message].format(100) in page


def test_two_missing_fields_are_shown_at_once_and_typed_values_stay(
    browser: FlaskClient,
) -> None:
    response = browser.post("/", data={"_id": ID, "city": "", "key": KEY})
    assert TRANSLATIONS["es"]["errors"]["city"] in response.text
    assert TRANSLATIONS["es"]["errors"]["interests"] in response.text
    response = browser.post("/", data={"_id": ID, "city": '"><b>', "key": KEY})
    assert 'value="&#34;&gt;&lt;b&gt;"' in response.text
    response = browser.post("/", data=FORM | {"city": "---"})
    assert 'value="surf" checked' in response.text


@pytest.mark.parametrize(("key", "message"), [("", "key_missing"), ("not-the-key", "key_wrong")])
@pytest.mark.parametrize("path", ["/", "/forget"])
def test_without_the_key_the_form_requires_it_and_stores_nothing(
    browser: FlaskClient, sql: Sql, path: str, key: str, message: str
) -> None:
    response = browser.post(path, data=FORM | {"key": key})
    assert response.status_code == 401
    assert TRANSLATIONS["es"]["errors"][message] in response.text
    assert sql("SELECT 1 FROM memberships") == []


def test_a_form_that_is_too_large_is_refused_with_a_page(browser: FlaskClient) -> None:
    response = browser.post("/", data=FORM | {"city": "x" * 20_000})
    assert response.status_code == 413
    assert TRANSLATIONS["es"]["errors"]["refused"] in response.text


def test_no_page_contains_the_key(browser: FlaskClient) -> None:
    for data in (FORM, FORM | {"city": ""}, FORM | {"key": "nearly-the-key"}):
        assert data["key"] not in browser.post("/", data=data).text


def test_a_program_gets_the_problem_document(browser: FlaskClient) -> None:
    response = browser.post("/", data=FORM | {"city": ""}, headers={"Accept": "*/*"})
    assert response.content_type == "application/problem+json"
    assert response.json["errors"][0]["path"] == "city"


def test_a_service_without_keys_has_no_key_field(database_url: str) -> None:
    browser = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    assert 'type="password"' not in browser.get("/", headers=BROWSER).text
    assert browser.post("/forget", data={"_id": ID}, headers=BROWSER).status_code == 200


def test_the_page_moves_and_erases_only_its_own_users(browser: FlaskClient, sql: Sql) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"_id": "try-of-the-app", "city": "Vigo", "interests": ["surf"]}
    browser.post("/rooms", json=body, headers=headers)
    before = sql("SELECT xmin, * FROM memberships")
    browser.post("/forget", data=FORM | {"_id": "try-of-the-app"})
    browser.post("/", data=FORM | {"_id": "try-of-the-app"})
    assert sql("SELECT xmin, * FROM memberships WHERE user_id = 'try-of-the-app'") == before


def test_forget_me_erases_everything_that_was_stored(browser: FlaskClient, sql: Sql) -> None:
    browser.post("/", data=FORM)
    response = browser.post("/forget", data=FORM)
    assert TRANSLATIONS["es"]["result"]["forgotten"] in response.text
    assert ID not in response.text
    assert sql("SELECT 1 FROM memberships") == []


def suggested(response: TestResponse) -> list[str]:
    return re.findall(r'name="suggested" value="(\d+)"', response.text)


def test_an_unlisted_city_gets_suggestions_and_a_button_picks_one(
    browser: FlaskClient,
) -> None:
    response = browser.post("/", data=FORM | {"city": "Sevillla"})
    assert suggested(response)[0] == "2510911"
    assert ">Sevilla (España)</button>" in response.text
    response = browser.post("/", data=FORM | {"city": "Sevillla", "suggested": "2510911"})
    assert 'name="city" value="Sevilla, ES"' in response.text
    assert "Antes estabas en la sala" in response.text
    assert suggested(response) == []


def test_an_area_asks_which_city_and_a_button_picks_one(browser: FlaskClient) -> None:
    page = browser.post("/", data=FORM | {"city": "Andalucía"}).text
    texts = TRANSLATIONS["es"]["result"]
    assert texts["area"].format("Andalucía") in page
    assert texts["which_city"] in page
    (first, *_) = re.findall(r'name="suggested" value="(\d+)">(\w+)', page)
    assert first == ("2510911", "Sevilla")
    assert texts["which_city"] not in browser.post("/", data=FORM | {"suggested": first[0]}).text


def test_a_text_of_several_cities_offers_them(browser: FlaskClient) -> None:
    page = browser.post("/", data=FORM | {"city": "Madrid / Barcelona"}).text
    assert TRANSLATIONS["es"]["result"]["did_you_mean"] in page
    assert len(re.findall(r'name="suggested"', page)) == 2


def test_people_without_a_place_are_told_so(browser: FlaskClient) -> None:
    page = browser.post("/", data=FORM | {"city": "Nomad"}).text
    assert TRANSLATIONS["es"]["result"]["placeless"] in page


def test_a_picked_city_counts_while_its_name_is_in_the_field(browser: FlaskClient) -> None:
    # Sevilla in Colombia; the name alone resolves to the Spanish city.
    picked = FORM | {"picked": "3668132", "picked_as": "Sevilla, Colombia"}
    response = browser.post("/", data=picked | {"city": "Sevilla, Colombia"})
    assert "Sevilla · " in response.text
    assert "Tu sala · Colombia<" in response.text
    assert 'name="picked" value="3668132"' in response.text
    response = browser.post("/", data=picked | {"city": "Vigo"})
    assert "Vigo · " in response.text
    assert 'name="picked" value=""' in response.text


def test_without_its_database_the_page_reports_an_outage(server: Server) -> None:
    url = psycopg2_url(server.url_of("never_made"))
    browser = create_app(Settings(database_url=url)).test_client()
    response = browser.post("/?language=es", data=FORM, headers=BROWSER)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert TRANSLATIONS["es"]["errors"]["unavailable"] in response.text
    assert 'name="city" value="Sevilla"' in response.text


def test_a_page_loads_from_its_own_origin_only_and_is_never_cached(browser: FlaskClient) -> None:
    for response in (browser.get("/"), browser.get("/rooms/map"), browser.post("/", data={})):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in response.headers
    script = browser.get("/page/page.js")
    assert script.mimetype == "text/javascript"
    assert script.headers["X-Content-Type-Options"] == "nosniff"


def test_every_interest_has_an_icon_of_its_own(browser: FlaskClient, model: Any) -> None:
    page = browser.get("/").text
    used = re.findall(r'<use href="#icon-(\w+)"', page)
    assert used == [item for group in choices(model, "en").values() for item, _ in group]
    assert set(used) <= set(re.findall(r'<symbol id="icon-(\w+)"', page))
