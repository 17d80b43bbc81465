"""A real browser, in which every request to another host is refused, and services to visit."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from tests.support.databases import Server
from tests.support.serving import KEY, Gunicorn

CHROMIUM = shutil.which("chromium")
PHONE, DESKTOP = (360, 740), (1280, 860)
# What the layout moved by itself, as Chromium reports it: its own measure excludes what follows a
# person's key or click within half a second.
WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (!entry.hadRecentInput) window.shifts.push(entry.value);
      }
    }).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visit:
    """A page in the browser, and what it was refused, complained of and loaded."""

    page: Page
    url: str
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    loaded: list[Request] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def tab_to(self, selector: str, key: str = "Tab") -> int:
        """Press Tab until the focus is there; how often."""
        for times in range(60):
            if self.page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return times
            self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {selector}")

    def bytes_loaded(self) -> int:
        """What came over the network so far, without headers."""
        return sum(request.sizes()["responseBodySize"] for request in self.loaded)

    def assert_accessible(self) -> None:
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()

    def assert_at_peace(self) -> None:
        """Nothing was asked of another host, nothing failed, nothing moved under the person."""
        assert self.refused == []
        assert self.complaints == []
        assert sum(self.page.evaluate("window.shifts")) == 0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def database(server: Server) -> Iterator[str]:
    """The URL of a database that the services of these tests share."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="package")
def service(database: str) -> Iterator[Gunicorn]:
    """The service as in production, with a key."""
    gunicorn = Gunicorn({"DATABASE_URL": database, "API_KEYS": KEY, "WEB_CONCURRENCY": "1"})
    yield gunicorn
    gunicorn.stop()


@pytest.fixture
def visit(browser: Browser, service: Gunicorn) -> Iterator[Callable[..., Visit]]:
    """Come with a browser: its language, its size, with scripts or without; to a service."""
    contexts = []

    def come(
        locale: str = "en-GB",
        size: tuple[int, int] = DESKTOP,
        url: str = service.url,
        **options: Any,
    ) -> Visit:
        width, height = size
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        context.add_init_script(WATCH_SHIFTS)
        visit = Visit(context.new_page(), url)
        _watch(visit)
        return visit

    yield come
    for context in contexts:
        context.close()


def _watch(visit: Visit) -> None:
    page = visit.page

    def refuse_others(route: Route) -> None:
        if route.request.url.startswith((visit.url, "data:", "blob:")):
            route.continue_()
        else:
            visit.refused.append(route.request.url)
            route.abort()

    def complain(line: Any) -> None:
        # The status of an answer that the page itself tells is no fault of the page.
        if line.type == "error" and "Failed to load resource" not in line.text:
            visit.complaints.append(line.text)

    page.route("**/*", refuse_others)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", complain)
    page.on("requestfinished", lambda request: visit.loaded.append(request))
