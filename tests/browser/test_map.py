"""The map of rooms in a browser."""

from collections.abc import Callable

import pytest
import requests

from app.pages.map.projection import project
from app.pages.rendering import TRANSLATIONS, Language
from tests.support.browser import DESKTOP, PHONE, Visit
from tests.support.serving import KEY, Gunicorn

IS_LAND = """
    ([x, y]) => {
      const svg = document.querySelector(".map");
      const point = Object.assign(svg.createSVGPoint(), { x, y });
      return document.querySelector(".land").isPointInFill(point);
    }
"""
INLAND = {"Madrid": (40.4, -3.7), "Palma": (39.62, 2.98), "Anadyr": (65, 175), "Lima": (-12, -76.6)}
SEA = {"Azores": (40, -20), "Pacific": (0, -150), "Bering Sea": (57, -178)}


@pytest.mark.parametrize(
    ("locale", "language", "size"), [("es-ES", "es", PHONE), ("en-GB", "en", DESKTOP)]
)
def test_the_map_opens_with_a_key_and_has_a_table(
    visit: Callable[..., Visit],
    service: Gunicorn,
    locale: str,
    language: Language,
    size: tuple[int, int],
) -> None:
    texts = TRANSLATIONS[language]["map"]
    for name, city in (("one", "Madrid"), ("two", "Madrid"), ("three", "Tokyo")):
        body = {"_id": f"map-{name}", "city": city, "interests": ["drinks"]}
        headers = {"Authorization": f"Bearer {KEY}"}
        assert requests.post(f"{service.url}/rooms", json=body, headers=headers, timeout=5).ok
    visitor = visit(locale, size)
    page = visitor.open("/rooms/map")
    visitor.assert_accessible()
    visitor.tab_to("#key")
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=texts["table"]).wait_for()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Madrid"))
    # Other tests' users may be in other clusters, which have columns of their own.
    cells = row.locator("td").all_inner_texts()
    assert [cell for cell in cells if cell] == ["ES", "2", "2"]
    visitor.tab_to(".scroll")
    visitor.assert_accessible()
    visitor.assert_clean()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_cities_are_drawn_on_land(visit: Callable[..., Visit]) -> None:
    visitor = visit(extra_http_headers={"Authorization": f"Bearer {KEY}"})
    page = visitor.open("/rooms/map")
    for name, place in INLAND.items():
        assert page.evaluate(IS_LAND, list(project(*place))), name
    for name, place in SEA.items():
        assert not page.evaluate(IS_LAND, list(project(*place))), name
