"""The README's pictures, and a newcomer's minute: what a person sees after `make run`.

`make pictures` writes the pictures anew. Beside each stands what was seen when it was taken, as a
digest of the page's text and looks: pixels differ with fonts, what there is to see does not.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from app.pages.rendering import WORDS, Language
from model.predict import Model
from tests.browser.conftest import Visit
from tests.support.databases import Server
from tests.support.paths import ROOT
from tests.support.population import settle
from tests.support.serving import Gunicorn

# One worker for all of them: one browser, and one service of each kind.

FOLDER = ROOT / "docs" / "pictures"
NOTES = FOLDER / "seen.json"
LARGEST = 120_000
SIZE = (1040, 700)
WRITE = bool(os.environ.get("WRITE_PICTURES"))
LOCALES: dict[Language, str] = {"es": "es-ES", "en": "en-GB"}
# Of reading: Brysbaert, How many words do we read per minute?, Journal of Memory and Language 109,
# 2019. Of an average typist: Card, Moran and Newell, The keystroke-level model, CACM 23(7), 1980.
WORDS_A_MINUTE, SECONDS_A_KEY = 238, 0.28


@pytest.fixture(scope="module")
def lively(server: Server, model: Model) -> Iterator[str]:
    """The address of a service as `make run` serves it, with people in it."""
    with server.database() as url:
        gunicorn = Gunicorn({"DATABASE_URL": url, "APP_ENV": "development", "WEB_CONCURRENCY": "1"})
        settle(gunicorn.url, 200, model.interests)
        yield gunicorn.url
        gunicorn.stop()


def find_room(person: Visit) -> tuple[int, int]:
    """From the page to a room by keyboard: the words there are to read, and the keys to press."""
    page = person.open("/")
    read = page.inner_text("body")
    keys = person.tab_to("#city")
    page.keyboard.type("sevil")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    keys += len("sevil") + 2
    for interest in ("surf", "museums", "coffee"):
        keys += person.tab_to(f"[value={interest}]") + 1
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.locator(".why").wait_for()
    read += page.inner_text("#answer h2")
    return len(read.split()), keys + 1


def seen(page: Page) -> str:
    """A digest of the page's content and its style, but for the random id."""
    content = re.sub(r"try-[0-9a-f]{32}", "try-", page.locator("main").evaluate("e => e.outerHTML"))
    style = page.evaluate("fetch('/page/page.css').then((answer) => answer.text())")
    return hashlib.sha256(f"{content}{style}".encode()).hexdigest()


def assert_pictured(page: Page, name: str) -> None:
    """The picture of this name was taken of what there is to see; or take it."""
    notes: dict[str, Any] = json.loads(NOTES.read_text()) if NOTES.exists() else {}
    note = {"seen": seen(page)}
    if WRITE:
        FOLDER.mkdir(exist_ok=True)
        # A few flat colours: 64 of them look the same, in half the space.
        picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        picture.quantize(64, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    note["file"] = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    if WRITE:
        NOTES.write_text(json.dumps(notes | {name: note}, indent=2, sort_keys=True) + "\n")
    else:
        assert notes[name] == note, "there is something else to see now: run `make pictures`"
    assert (FOLDER / name).stat().st_size < LARGEST


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_newcomers_minute_ends_with_the_readmes_picture(
    visit: Callable[..., Visit], lively: str, language: Language
) -> None:
    person = visit(LOCALES[language], SIZE, url=lively)
    read, keys = find_room(person)
    assert read * 60 / WORDS_A_MINUTE + keys * SECONDS_A_KEY < 60
    assert_pictured(person.page, f"page.{language}.png")
    person.page.get_by_role("button", name=WORDS[language]["answer"]["forget"]).click()
    person.page.get_by_role("heading", name=WORDS[language]["answer"]["forgotten"]).wait_for()


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_map_is_as_the_readme_shows_it(
    visit: Callable[..., Visit], lively: str, language: Language
) -> None:
    person = visit(LOCALES[language], SIZE, url=lively)
    assert_pictured(person.open("/rooms/map"), f"map.{language}.png")
