"""The audits of axe and Lighthouse on the form, the answer, the map and the documentation."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browser import Visit
from tests.support.npm import install_tools
from tests.support.serving import KEY, Gunicorn

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium")
PAGES = ("/", "answer", "/rooms/map", "/docs", "/docs/api.md", "/nothing")
# Of 100, on Lighthouse's simulated phone and its slow network.
MIN_PERFORMANCE = {"/": 95, "answer": 95, "/rooms/map": 95, "/docs": 80}
WIDTHS = (320, 768, 1440)
MEDIA: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
}


def open_page(visitor: Visit, name: str) -> Page:
    page = visitor.open("/" if name == "answer" else name)
    if name == "answer":
        page.fill("[name=city]", "Sevilla")
        page.keyboard.press("Escape")
        # The box itself may be hidden behind a drawn one.
        page.locator("[name=interests][value=surf]").evaluate("box => { box.checked = true }")
        page.fill("[name=key]", KEY)
        page.locator("form[method=post]").first.evaluate("form => form.submit()")
        # "Forget me", which only the answer has.
        page.locator("[formaction]").wait_for(state="attached")
    return page


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_light_and_dark_at_every_width(
    visit: Callable[..., Visit], name: str
) -> None:
    visitor = visit(extra_http_headers={"Authorization": f"Bearer {KEY}"})
    page = open_page(visitor, name)
    for media in MEDIA.values():
        page.emulate_media(**{"color_scheme": "light", "forced_colors": "none"} | media)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            visitor.assert_accessible()
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), width
    assert visitor.blocked == []
    assert visitor.errors == []


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
def test_lighthouse_is_content_with_the_pages_on_a_phone(service: Gunicorn) -> None:
    install_tools(HERE)
    done = subprocess.run(
        ["node", "lighthouse.mjs", str(CHROMIUM), service.url, KEY, json.dumps(MIN_PERFORMANCE)],
        cwd=HERE,
        env=os.environ | {"CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout)
    assert results.keys() == MIN_PERFORMANCE.keys()
    for page, categories in results.items():
        assert categories, f"{page} was not painted: {done.stderr[-3000:]}"
        assert categories["performance"]["score"] >= MIN_PERFORMANCE[page], (page, categories)
        for name in ("accessibility", "best-practices", "seo"):
            assert categories[name] == {"score": 100, "failed": []}, (page, name)
