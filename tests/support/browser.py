"""A visit to a page with a real browser."""

import json
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request

# Width and height of the window, in CSS pixels.
PHONE, DESKTOP = (360, 740), (1280, 860)


@dataclass
class Visit:
    """A page in the browser: its blocked requests, its errors and its finished requests."""

    page: Page
    url: str
    blocked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    loaded: list[Request] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def tab_to(self, selector: str, key: str = "Tab") -> int:
        """Press Tab until the selector has the focus; return how often."""
        for count in range(60):
            if self.page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return count
            self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {selector}")

    def bytes_loaded(self) -> int:
        """Return the size of all response bodies so far."""
        return sum(request.sizes()["responseBodySize"] for request in self.loaded)

    def assert_accessible(self) -> None:
        results = Axe().run(self.page)
        assert results.violations_count == 0, results.generate_report()

    def assert_clean(self) -> None:
        """Assert that there was no request to another host, no error and no layout shift."""
        assert self.blocked == []
        assert self.errors == []
        assert sum(self.page.evaluate("window.shifts")) == 0
