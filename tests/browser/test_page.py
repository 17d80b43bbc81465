"""The page with the form, in a browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from app.pages.rendering import TRANSLATIONS, Language
from tests.support.browser import DESKTOP, PHONE, Visit
from tests.support.databases import Server
from tests.support.serving import KEY, wait_until

MAX_PAGE_BYTES = 100_000
MIN_TARGET_PX = 44
SPAIN = {"es": "España", "en": "Spain"}


def wait_for_result(page: Page, text: str) -> str:
    """Return the heading of the result, once it has the focus and contains the text."""
    heading = page.locator("#result h2:focus").filter(has_text=text)
    heading.wait_for()
    return heading.inner_text()


def heading_top(page: Page) -> float:
    """Return how far from the top of the window the heading of the answer is."""
    top: float = page.locator("#answer").evaluate("heading => heading.getBoundingClientRect().top")
    return top


def fits(page: Page) -> bool:
    """Return whether the page is as wide as the window, with the text as it is and at 200 %."""
    script = """() => ["100%", "200%"].every((size) => {
        document.documentElement.style.fontSize = size;
        return document.documentElement.scrollWidth <= innerWidth;
    })"""
    return bool(page.evaluate(script))


@pytest.mark.parametrize(
    ("locale", "language", "size"), [("es-ES", "es", PHONE), ("en-GB", "en", DESKTOP)]
)
def test_a_person_finds_a_room_by_keyboard_alone(
    visit: Callable[..., Visit], locale: str, language: Language, size: tuple[int, int]
) -> None:
    texts = TRANSLATIONS[language]
    visitor = visit(locale, size)
    page, keyboard = visitor.open("/"), visitor.page.keyboard
    assert page.title().startswith(texts["page"]["title"])
    assert visitor.bytes_loaded() < MAX_PAGE_BYTES
    visitor.assert_accessible()

    # An unlisted city, after closing the list of suggestions.
    visitor.tab_to("#city")
    keyboard.type("Sevillla")
    page.locator("[role=option]").first.wait_for()
    keyboard.press("Escape")
    assert page.locator("#city").get_attribute("aria-expanded") == "false"
    visitor.tab_to("[value=surf]")
    keyboard.press("Space")
    visitor.tab_to("[value=museums]")
    keyboard.press("Space")
    chosen = f"{texts['page']['submit']} · {texts['page']['chosen'].format(2)}"
    assert page.inner_text(".submit") == chosen
    visitor.tab_to("#key")
    keyboard.insert_text(KEY)
    keyboard.press("Enter")
    first = wait_for_result(page, texts["result"]["room"])
    assert heading_top(page) < size[1] / 4
    assert page.inner_text(".submit") == chosen
    assert texts["result"]["unknown_city"].format("Sevillla") in page.inner_text("#result")
    visitor.assert_accessible()

    # One of the suggested cities; the key is still in its field.
    visitor.tab_to("[name=suggested]")
    assert page.evaluate("document.activeElement.textContent") == f"Sevilla ({SPAIN[language]})"
    keyboard.press("Enter")
    page.locator("[name=suggested]").first.wait_for(state="detached")
    second = wait_for_result(page, texts["result"]["room"])
    assert first != second

    # Another city, from the autocomplete.
    visitor.tab_to("#city", "Shift+Tab")
    keyboard.press("Control+a")
    keyboard.type("vigo")
    page.locator("[role=option]").first.wait_for()
    count = page.locator("[role=option]").count()
    assert page.inner_text("[role=status]") == (
        texts["suggestions"]["many"].format(count) if count > 1 else texts["suggestions"]["one"]
    )
    keyboard.press("ArrowDown")
    active = page.locator("#city").get_attribute("aria-activedescendant")
    option = page.locator(f"#{active}")
    assert option.get_attribute("aria-selected") == "true"
    visitor.assert_accessible()
    picked = option.inner_text()
    assert picked.endswith(SPAIN[language])
    keyboard.press("Enter")
    assert page.input_value("#city") == picked
    keyboard.press("Enter")
    third = wait_for_result(page, "Vigo · ")
    assert page.title().startswith("Vigo · ")
    assert third not in (first, second)

    # What is not needed to enter the room is behind a question.
    assert not page.locator(".why").is_visible()
    assert "try-" not in page.inner_text("#result")
    visitor.tab_to("summary")
    keyboard.press("Enter")
    assert page.locator(".why tbody tr").count() == 2
    visitor.assert_accessible()
    page.emulate_media(color_scheme="dark")
    visitor.assert_accessible()
    visitor.assert_clean()
    assert fits(page)

    visitor.tab_to("[formaction]")
    keyboard.press("Enter")
    wait_for_result(page, texts["result"]["forgotten"])
    assert (visitor.blocked, visitor.errors) == ([], [])
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_an_invalid_field_takes_the_focus_and_is_described(visit: Callable[..., Visit]) -> None:
    visitor = visit("es-ES")
    page = visitor.open("/")
    visitor.tab_to("#city")
    page.keyboard.press("Enter")
    page.locator("#city[aria-invalid]:focus").wait_for()
    assert TRANSLATIONS["es"]["errors"]["interests"] in page.inner_text("#interests-hint")
    assert TRANSLATIONS["es"]["errors"]["key_missing"] in page.inner_text("#key-hint")
    page.fill("#key", KEY)
    page.check("[value=surf]")
    visitor.tab_to("#city", "Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#interests:not([aria-invalid])").wait_for()
    page.locator("#city[aria-invalid]:focus").wait_for()
    described_by = page.locator("#city").get_attribute("aria-describedby") or ""
    assert TRANSLATIONS["es"]["errors"]["city"] in " ".join(
        page.inner_text(f"#{id_}") for id_ in described_by.split()
    )
    visitor.assert_accessible()
    visitor.assert_clean()


def test_a_suggestion_by_another_name_shows_that_name(visit: Callable[..., Visit]) -> None:
    visitor = visit("en-GB")
    page = visitor.open("/")
    visitor.tab_to("#city")
    page.keyboard.type("Seville")
    page.locator("[role=option]").filter(has_text="(Seville)").first.click()
    assert page.input_value("#city") == "Sevilla, Andalucía, Spain"
    page.get_by_role(
        "heading", name=TRANSLATIONS["en"]["page"]["rooms_of"].format("Sevilla")
    ).wait_for()
    visitor.assert_clean()


def test_the_language_is_switched_by_a_link(visit: Callable[..., Visit]) -> None:
    visitor = visit("es-ES")
    page = visitor.open("/")
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name=TRANSLATIONS["en"]["page"]["title"]).wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("locale", ["es-ES", "en-GB"])
def test_the_header_is_one_line_on_a_phone_with_a_wide_font(
    visit: Callable[..., Visit], locale: str
) -> None:
    page = visit(locale, PHONE).open("/")
    page.evaluate("document.body.style.fontFamily = 'DejaVu Sans'")
    page.evaluate("document.body.style.letterSpacing = '.06em'")
    boxes = [page.locator(f"header {part} >> nth=0").bounding_box() for part in (".brand", "nav a")]
    brand, link = boxes
    assert brand
    assert link
    assert brand["y"] <= link["y"] + link["height"] / 2 <= brand["y"] + brand["height"]


def test_everything_works_without_a_script(visit: Callable[..., Visit]) -> None:
    visitor = visit("es-ES", PHONE, java_script_enabled=False)
    page, texts = visitor.open("/"), TRANSLATIONS["es"]
    page.fill("#city", "Sevillla")
    page.fill("#key", KEY)
    page.get_by_role("button", name=texts["page"]["submit"]).click()
    page.get_by_text(texts["errors"]["interests"]).wait_for()
    page.locator("#interests:focus").wait_for()
    page.check("[value=surf]")
    page.fill("#key", KEY)
    page.get_by_role("button", name=texts["page"]["submit"]).click()
    page.get_by_text(texts["result"]["did_you_mean"]).wait_for()
    wait_for_result(page, "Sevillla · ")
    assert heading_top(page) < PHONE[1] / 4
    page.get_by_text(texts["result"]["room_id"]).wait_for()
    page.fill("#key", KEY)
    page.get_by_role("button", name=f"Sevilla ({SPAIN['es']})").click()
    wait_for_result(page, "Sevilla · ")
    page.fill("#key", KEY)
    page.click("summary")
    page.get_by_role("button", name=texts["result"]["forget"]).click()
    page.get_by_role("heading", name=texts["result"]["forgotten"]).wait_for()
    assert visitor.blocked == []


@contextmanager
def outage(server: Server, url: str) -> Iterator[None]:
    """Make the database refuse connections, and end those that exist."""
    name = urlsplit(url).path[1:]
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_an_outage_is_shown_and_typed_values_stay(
    visit: Callable[..., Visit], server: Server, database: str
) -> None:
    visitor = visit("es-ES", PHONE)
    page, texts = visitor.open("/"), TRANSLATIONS["es"]
    page.fill("#city", "Vigo")
    page.keyboard.press("Escape")
    page.check("[value=surf]")
    page.fill("#key", KEY)
    submit = page.get_by_role("button", name=texts["page"]["submit"])
    with outage(server, database):
        submit.click()
        wait_for_result(page, texts["errors"]["unavailable"])
        assert heading_top(page) < PHONE[1] / 2
        visitor.assert_accessible()
    page.context.set_offline(True)
    submit.click()
    alert = page.get_by_role("alert").filter(has_text=texts["suggestions"]["offline"])
    alert.wait_for()
    expect(alert).to_be_in_viewport()
    page.context.set_offline(False)

    def has_room() -> bool:
        submit.click()
        page.locator("#result h2").wait_for()
        return "Vigo · " in page.inner_text("#result h2")

    # A pooler may wait some seconds before it connects to the database again.
    wait_until(has_room)
    assert visitor.errors == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_button_says_that_it_searches_until_there_is_an_answer_or_none_in_time(
    visit: Callable[..., Visit], language: Language
) -> None:
    visitor, texts = visit(), TRANSLATIONS[language]
    # The 20 s of the page are a second here.
    visitor.page.add_init_script(
        "const timeout = AbortSignal.timeout.bind(AbortSignal);"
        "AbortSignal.timeout = (ms) => timeout(ms / 20);"
    )
    page = visitor.open(f"/?language={language}")
    page.fill("#city", "Vigo")
    page.check("[value=surf]")
    page.fill("#key", KEY)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(lambda url: "language" in url, hold)
    button = page.locator(".submit button")
    button.click()
    expect(button).to_have_text(texts["suggestions"]["busy"])
    expect(button).to_have_attribute("aria-busy", "true")
    assert page.inner_text("[role=status]") == texts["suggestions"]["busy"]
    page.check("[value=museums]")
    expect(button).to_have_text(texts["suggestions"]["busy"])
    page.get_by_role("alert").filter(has_text=texts["suggestions"]["slow"]).wait_for()
    expect(button).to_have_text(f"{texts['page']['submit']} · {texts['page']['chosen'].format(2)}")
    assert button.get_attribute("aria-busy") is None
    assert [route.request.method for route in held] == ["POST"]
    page.unroute_all()
    button.click()
    wait_for_result(page, "Vigo · ")
    assert page.locator("[aria-busy]").count() == 0


def test_a_long_word_fits_a_phone_and_a_rooms_id_is_copied(visit: Callable[..., Visit]) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    visitor = visit(
        "en-GB",
        PHONE,
        extra_http_headers=headers,
        permissions=["clipboard-read", "clipboard-write"],
    )
    texts, word = TRANSLATIONS["en"]["result"], "x" * 69
    page = visitor.open(f"/?city={word}")
    # The button stays in reach, and nothing that is selected is behind it.
    button = page.locator(".submit button")
    expect(button).to_be_in_viewport(ratio=1)
    page.check("[value=surf]")
    assert page.inner_text(".submit").endswith(TRANSLATIONS["en"]["page"]["one_chosen"])
    page.fill("#key", "in the header")
    button.click()
    wait_for_result(page, word)
    assert fits(page)
    page.evaluate("document.documentElement.style.fontSize = ''")
    for name, status, pattern in (
        (texts["copy_id"], texts["copied"], r"\d+"),
        (
            texts["share_link"].format(word),
            texts["link_copied"],
            rf"http://.*/\?city={word},\+ES",
        ),
    ):
        page.get_by_text(name).click()
        page.get_by_role("status").filter(has_text=status).wait_for()
        assert re.fullmatch(pattern, page.evaluate("navigator.clipboard.readText()"))
    assert (visitor.blocked, visitor.errors) == ([], [])


def test_a_selected_interest_differs_in_forced_colours_too(visit: Callable[..., Visit]) -> None:
    page = visit(forced_colors="active").open("/")
    colour = "pill => getComputedStyle(pill).backgroundColor"
    pill = page.locator(".pill:has([value=surf])")
    before = pill.evaluate(colour)
    pill.click()
    assert page.is_checked("[value=surf]")
    assert pill.evaluate(colour) != before
    heights = page.locator(".pill").evaluate_all("all => all.map((pill) => pill.offsetHeight)")
    assert min(heights) >= MIN_TARGET_PX
