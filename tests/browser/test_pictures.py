"""The README's pictures, and the time that a first visit takes after `make run`.

`make pictures` writes the pictures, and with each a digest of the page's text and style: pixels
differ with the fonts of a machine, the digest does not.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import Page

from app.pages.rendering import TRANSLATIONS, Language
from model.predict import Model
from tests.support.browser import Visit
from tests.support.databases import Server
from tests.support.paths import ROOT
from tests.support.population import populate
from tests.support.serving import Gunicorn, wait_until

FOLDER = ROOT / "docs" / "pictures"
DIGESTS = FOLDER / "seen.json"
MAX_PICTURE_BYTES = 120_000
SIZE = (1040, 700)
WRITE = bool(os.environ.get("WRITE_PICTURES"))
CHAT = "https://chat.example/{room_id}"
SCHEMES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", ""), ("dark", "dark."))
LOCALES: dict[Language, str] = {"es": "es-ES", "en": "en-GB"}
# Reading: Brysbaert, How many words do we read per minute?, Journal of Memory and Language 109,
# 2019. An average typist: Card, Moran and Newell, The keystroke-level model, CACM 23(7), 1980.
WORDS_PER_MINUTE, SECONDS_PER_KEY = 238, 0.28
MAX_VISIT_S = 60


@pytest.fixture(scope="module")
def populated(server: Server, model: Model) -> Iterator[str]:
    """Yield the address of a service as `make run` serves it, with members."""
    with server.database() as url:
        environment = {"APP_ENV": "development", "WEB_CONCURRENCY": "1", "CHAT_URL_TEMPLATE": CHAT}
        gunicorn = Gunicorn(environment | {"DATABASE_URL": url})
        populate(gunicorn.url, 200, model.interests)
        yield gunicorn.url
        gunicorn.stop()


def find_room(visitor: Visit) -> tuple[int, int]:
    """Find a room by keyboard; return the number of words to read and of keys to press."""
    page = visitor.open("/")
    text = page.inner_text("body")
    keys = visitor.tab_to("#city")
    page.keyboard.type("sevil")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    keys += len("sevil") + 2
    for interest in ("surf", "museums", "coffee"):
        keys += visitor.tab_to(f"[value={interest}]") + 1
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.locator("#answer").wait_for()
    text += page.inner_text("#result h2")
    return len(text.split()), keys + 1


def digest(page: Page) -> str:
    """Return a digest of the page's content and style, without the random id."""
    content = re.sub(r"try-[0-9a-f]{32}", "try-", page.locator("main").evaluate("e => e.outerHTML"))
    style = page.evaluate("fetch('/page/page.css').then((answer) => answer.text())")
    return hashlib.sha256(f"{content}{style}".encode()).hexdigest()


def assert_pictured(page: Page, name: str, language: Language) -> None:
    """Assert that the pictures, light and dark, show the page as it is now, or take them."""
    # A picture of the whole page has what stays in view where it is without scrolling.
    page.evaluate("scrollTo(0, 0)")
    # A screenshot leaves traces in the page.
    seen = digest(page)
    for scheme, infix in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert_picture(page, f"{name}.{infix}{language}.png", seen)


def assert_picture(page: Page, name: str, seen: str) -> None:
    digests: dict[str, Any] = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
    current = {"seen": seen}
    if WRITE:
        FOLDER.mkdir(exist_ok=True)
        # The pages have few colours: with 128 of them the picture looks the same at half the size.
        picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        picture.quantize(128, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    current["file"] = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    if WRITE:
        text = json.dumps(digests | {name: current}, indent=2, sort_keys=True)
        DIGESTS.write_text(f"{text}\n")
    else:
        assert digests[name] == current, "the page has changed: run `make pictures`"
    assert (FOLDER / name).stat().st_size < MAX_PICTURE_BYTES


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_first_visit_takes_a_minute_and_ends_with_the_readmes_picture(
    visit: Callable[..., Visit], populated: str, language: Language
) -> None:
    visitor = visit(LOCALES[language], SIZE, url=populated)
    words, keys = find_room(visitor)
    assert words * 60 / WORDS_PER_MINUTE + keys * SECONDS_PER_KEY < MAX_VISIT_S
    assert_pictured(visitor.page, "page", language)
    texts = TRANSLATIONS[language]["result"]
    room = re.search(
        r"\d+", visitor.page.text_content("#result details p:has(+ #forget-hint)") or ""
    )
    visitor.page.get_by_role("link", name=texts["open_chat"]).click()
    wait_until(lambda: visitor.blocked == [CHAT.format(room_id=room and room[0])])
    visitor.page.click("summary")
    visitor.page.get_by_role("button", name=texts["forget"]).click()
    visitor.page.get_by_role("heading", name=texts["forgotten"]).wait_for()


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_map_is_the_readmes_picture(
    visit: Callable[..., Visit], populated: str, language: Language
) -> None:
    visitor = visit(LOCALES[language], SIZE, url=populated)
    assert_pictured(visitor.open("/rooms/map"), "map", language)
