"""A real browser, in which every request to another host is refused."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from tests.serving import Gunicorn

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def visit(serve: Callable[..., Gunicorn]) -> Iterator[Callable[[str], Page]]:
    """Open a path of a served application; the page has `refused` and `complaints` to look at."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's package chromium")
    server = serve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        page = browser.new_page()
        page.refused = []  # type: ignore[attr-defined]
        page.complaints = []  # type: ignore[attr-defined]

        def refuse_others(route: Route) -> None:
            if route.request.url.startswith((server.url, "data:", "blob:")):
                route.continue_()
            else:
                page.refused.append(route.request.url)  # type: ignore[attr-defined]
                route.abort()

        page.route("**/*", refuse_others)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda line: line.type == "error" and page.complaints.append(line.text),  # type: ignore[attr-defined]
        )

        def open_path(path: str) -> Page:
            page.goto(f"{server.url}{path}")
            return page

        yield open_path
        browser.close()
