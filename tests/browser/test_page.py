"""A person's whole way through the try-it page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from app.pages.rendering import WORDS, Language
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.support.databases import Server
from tests.support.serving import KEY, until

# One worker for all of them: one browser, and one service of each kind.

LARGEST_PAGE = 100_000
SPAIN = {"es": "España", "en": "Spain"}


def answered(page: Page, beginning: str) -> str:
    """The heading of the answer, once it has the focus and begins so."""
    heading = page.locator("#answer h2:focus").filter(has_text=beginning)
    heading.wait_for()
    return heading.inner_text()


def beginning(template: str) -> str:
    return template.partition("{}")[0]


@pytest.mark.parametrize(
    ("locale", "language", "size"), [("es-ES", "es", PHONE), ("en-GB", "en", DESKTOP)]
)
def test_a_person_finds_a_room_by_keyboard_alone(
    visit: Callable[..., Visit], locale: str, language: Language, size: tuple[int, int]
) -> None:
    words = WORDS[language]
    person = visit(locale, size)
    page, keyboard = person.open("/"), person.page.keyboard
    assert page.title().startswith(words["page"]["title"])
    assert person.bytes_loaded() < LARGEST_PAGE
    person.assert_accessible()

    # A city that nobody knows, the list of others waved away.
    person.tab_to("#city")
    keyboard.type("Sevillla")
    page.locator("[role=option]").first.wait_for()
    keyboard.press("Escape")
    assert page.locator("#city").get_attribute("aria-expanded") == "false"
    person.tab_to("[value=surf]")
    keyboard.press("Space")
    person.tab_to("[value=museums]")
    keyboard.press("Space")
    person.tab_to("#key")
    keyboard.insert_text(KEY)
    keyboard.press("Enter")
    first = answered(page, beginning(words["answer"]["room"]))
    assert words["answer"]["unknown_city"].format("Sevillla") in page.inner_text("#answer")
    person.assert_accessible()

    # The city that was meant; the key is still in its field.
    person.tab_to("[name=meant]")
    assert page.evaluate("document.activeElement.textContent") == f"Sevilla ({SPAIN[language]})"
    keyboard.press("Enter")
    page.locator("[name=meant]").first.wait_for(state="detached")
    second = answered(page, beginning(words["answer"]["room"]))
    assert first != second

    # Another one, from the list.
    person.tab_to("#city", "Shift+Tab")
    keyboard.press("Control+a")
    keyboard.type("vigo")
    page.locator("[role=option]").first.wait_for()
    suggested = page.locator("[role=option]").count()
    assert page.inner_text("[role=status]") == (
        words["suggestions"]["many"].format(suggested)
        if suggested > 1
        else words["suggestions"]["one"]
    )
    keyboard.press("ArrowDown")
    active = page.locator("#city").get_attribute("aria-activedescendant")
    option = page.locator(f"#{active}")
    assert option.get_attribute("aria-selected") == "true"
    person.assert_accessible()
    picked = option.inner_text()
    assert picked.endswith(SPAIN[language])
    keyboard.press("Enter")
    assert page.input_value("#city") == picked
    keyboard.press("Enter")
    page.locator("#answer .place").filter(has_text="Vigo").wait_for()
    third = answered(page, beginning(words["answer"]["room"]))
    assert third not in (first, second)
    assert page.locator(".why tbody tr").count() == 2
    person.assert_accessible()

    person.tab_to("[formaction]")
    keyboard.press("Enter")
    answered(page, words["answer"]["forgotten"])
    person.assert_at_peace()
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_what_is_wrong_takes_the_focus_and_is_spoken(visit: Callable[..., Visit]) -> None:
    person = visit("es-ES")
    page = person.open("/")
    person.tab_to("#city")
    page.keyboard.press("Enter")
    page.locator("#interests[aria-invalid]:focus").wait_for()
    assert WORDS["es"]["errors"]["key_missing"] in page.inner_text("#key-wrong")
    page.fill("#key", KEY)
    page.check("[value=surf]")
    person.tab_to("#city", "Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#city[aria-invalid]:focus").wait_for()
    spoken = page.locator("#city").get_attribute("aria-describedby") or ""
    assert WORDS["es"]["errors"]["city"] in " ".join(
        page.inner_text(f"#{part}") for part in spoken.split()
    )
    person.assert_accessible()
    person.assert_at_peace()


def test_a_city_offered_for_another_of_its_names_says_which(visit: Callable[..., Visit]) -> None:
    person = visit("en-GB")
    page = person.open("/")
    person.tab_to("#city")
    page.keyboard.type("Seville")
    page.locator("[role=option]").filter(has_text="(Seville)").first.click()
    assert page.input_value("#city") == "Sevilla, Andalucía, Spain"
    person.assert_at_peace()


def test_the_language_is_switched_by_a_link(visit: Callable[..., Visit]) -> None:
    person = visit("es-ES")
    page = person.open("/")
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name=WORDS["en"]["page"]["title"]).wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_everything_works_without_a_script(visit: Callable[..., Visit]) -> None:
    person = visit("es-ES", java_script_enabled=False)
    page, words = person.open("/"), WORDS["es"]
    page.fill("#city", "Sevillla")
    page.fill("#key", KEY)
    page.get_by_role("button", name=words["page"]["ask"]).click()
    page.get_by_text(words["errors"]["interests"]).wait_for()
    page.check("[value=surf]")
    page.fill("#key", KEY)
    page.get_by_role("button", name=words["page"]["ask"]).click()
    page.get_by_text(words["answer"]["did_you_mean"]).wait_for()
    page.fill("#key", KEY)
    page.get_by_role("button", name="Sevilla (ES)").click()
    page.get_by_text(beginning(words["answer"]["previous"])).wait_for()
    page.fill("#key", KEY)
    page.get_by_role("button", name=words["answer"]["forget"]).click()
    page.get_by_role("heading", name=words["answer"]["forgotten"]).wait_for()
    assert person.refused == []


@contextmanager
def outage(server: Server, url: str) -> Iterator[None]:
    """Nobody can connect to the database, and whoever was connected no longer is."""
    name = urlsplit(url).path[1:]
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_an_outage_is_told_kindly_and_what_was_typed_stays(
    visit: Callable[..., Visit], server: Server, database: str
) -> None:
    person = visit("es-ES")
    page, words = person.open("/"), WORDS["es"]
    page.fill("#city", "Vigo")
    page.keyboard.press("Escape")
    page.check("[value=surf]")
    page.fill("#key", KEY)
    ask = page.get_by_role("button", name=words["page"]["ask"])
    with outage(server, database):
        ask.click()
        answered(page, words["errors"]["unavailable"])
        person.assert_accessible()
    page.context.set_offline(True)
    ask.click()
    page.get_by_role("alert").filter(has_text=words["suggestions"]["offline"]).wait_for()
    page.context.set_offline(False)

    def in_a_room() -> bool:
        ask.click()
        page.locator("#answer h2").wait_for()
        return beginning(words["answer"]["room"]) in page.inner_text("#answer h2")

    # A pooler between may take some seconds to look for the database again.
    until(in_a_room)
    assert person.complaints == []
