"""Fixtures: a browser that blocks requests to other hosts, and a service to visit."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from tests.support.browser import DESKTOP, Visit
from tests.support.databases import Server
from tests.support.serving import KEY, Gunicorn

CHROMIUM = shutil.which("chromium")
# Layout shifts as Chromium reports them, without those within half a second of a key or click.
WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (!entry.hadRecentInput) window.shifts.push(entry.value);
      }
    }).observe({ type: "layout-shift", buffered: true });
"""


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
    """Yield the URL of a database that the services of these tests share."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="package")
def service(database: str) -> Iterator[Gunicorn]:
    """Yield the service as in production, with a key."""
    gunicorn = Gunicorn({"DATABASE_URL": database, "API_KEYS": KEY, "WEB_CONCURRENCY": "1"})
    yield gunicorn
    gunicorn.stop()


@pytest.fixture
def visit(browser: Browser, service: Gunicorn) -> Iterator[Callable[..., Visit]]:
    """Yield a function that opens a browser context; `options`: Playwright's, as for JavaScript."""
    contexts = []

    def open_browser(
        locale: str = "en-GB",
        size: tuple[int, int] = DESKTOP,
        url: str = service.url,
        **options: Any,
    ) -> Visit:
        width, height = size
        # Colours and places that change gradually would be measured halfway.
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        context.add_init_script(WATCH_SHIFTS)
        visit = Visit(context.new_page(), url)
        _watch(visit)
        return visit

    yield open_browser
    for context in contexts:
        context.close()


def _watch(visit: Visit) -> None:
    page = visit.page

    def block_other_hosts(route: Route) -> None:
        if route.request.url.startswith((visit.url, "data:", "blob:")):
            route.continue_()
        else:
            visit.blocked.append(route.request.url)
            # With other reasons a followed link would replace the page by the browser's error page.
            route.abort("aborted")

    def record_error(message: Any) -> None:
        # An error status that the page itself shows is not an error of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            visit.errors.append(message.text)

    page.route("**/*", block_other_hosts)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("console", record_error)
    page.on("requestfinished", lambda request: visit.loaded.append(request))
