"""The map of rooms in a browser."""

import math
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Page

from app.pages.map.frame import WORLD
from app.pages.rendering import TRANSLATIONS, Language
from tests.support.browser import DESKTOP, PHONE, Visit
from tests.support.databases import Server, Sql, sql_on
from tests.support.map_look import LOOK, PIXEL, assert_beside, assert_readable
from tests.support.mapped import CLEAR, add_to_map, fill_map, largest_cities
from tests.support.serving import KEY, Gunicorn, wait_until

HEADERS = {"Authorization": f"Bearer {KEY}"}
MAX_BYTES, MAX_ELEMENTS = 150_000, 1_500
# WCAG 2.5.8: the size of a target.
MIN_TARGET_PX = 24
PACIFIC = "(country_code IN ('FJ', 'WS', 'TO', 'NZ') OR name = 'Anadyr')"
CROWDS = {
    "1 city": (1, "country_code = 'ES'"),
    "13 cities": (13, "true"),
    "500 cities": (500, "country_code = 'ES'"),
    "5,000 cities": (5_000, "true"),
    "both sides of the date line": (60, PACIFIC),
}
IS_LAND = """
    ([x, y]) => {
      const svg = document.querySelector(".scene");
      const point = Object.assign(svg.createSVGPoint(), { x, y });
      return document.querySelector(".land").isPointInFill(point);
    }
"""
INLAND = {"Madrid": (40.4, -3.7), "Palma": (39.62, 2.98), "Anadyr": (65, 175), "Lima": (-12, -76.6)}
SEA = {"Azores": (40, -20), "Pacific": (0, -150), "Bering Sea": (57, -178)}


@pytest.fixture(scope="module")
def mapped_url(server: Server) -> Iterator[str]:
    """Yield the URL of a database whose members these tests choose."""
    with server.database() as url:
        yield url


@pytest.fixture(scope="module")
def mapped(mapped_url: str) -> Iterator[Gunicorn]:
    """Yield a service on that database."""
    variables = {"DATABASE_URL": mapped_url, "API_KEYS": KEY, "WEB_CONCURRENCY": "1"}
    gunicorn = Gunicorn(variables)
    yield gunicorn
    gunicorn.stop()


@pytest.fixture
def mapped_sql(mapped_url: str, mapped: Gunicorn) -> Sql:
    """Run SQL on that database, whose members the service does not remember."""
    sql = sql_on(mapped_url)
    sql(CLEAR)
    wait_until(lambda: TRANSLATIONS["en"]["map"]["none"] in read_map(mapped))
    return sql


def read_map(service: Gunicorn) -> str:
    headers = HEADERS | {"Accept": "text/html"}
    return requests.get(f"{service.url}/rooms/map?language=en", headers=headers, timeout=5).text


def view_box(page: Page) -> list[float]:
    return [float(part) for part in (page.get_attribute(".scene", "viewBox") or "").split()]


@pytest.mark.parametrize("crowd", CROWDS)
def test_no_circle_covers_another_and_the_largest_ten_cities_are_labelled(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql, crowd: str
) -> None:
    towns, condition = CROWDS[crowd]
    fill_map(mapped_sql, towns, condition)
    names = largest_cities(mapped_sql)
    visitor = visit(url=mapped.url, extra_http_headers=HEADERS)
    page = visitor.open("/rooms/map")
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        look = page.evaluate(LOOK)
        assert_readable(look, names)
        assert_beside(look)
    assert page.evaluate("document.querySelectorAll('*').length") < MAX_ELEMENTS
    assert visitor.bytes_loaded() < MAX_BYTES
    visitor.assert_clean()
    for size in ("100%", "200%"):
        page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert page.locator(".cities").evaluate("(box) => box.scrollWidth <= box.clientWidth")


def test_on_a_desktop_the_map_has_the_width_of_the_page_and_whole_names_without_lines(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 13, "country_code IN ('ES', 'PT')")
    page = visit(url=mapped.url, extra_http_headers=HEADERS).open("/rooms/map")
    for width, height in (DESKTOP, (1040, 700)):
        page.set_viewport_size({"width": width, "height": height})
        look = page.evaluate(LOOK)
        left, _, right, _ = look["frame"]
        assert right - left == page.locator(".cities").evaluate("(box) => box.clientWidth")
        assert look["lines"] == []
        for name in largest_cities(mapped_sql):
            assert any(name in label[4] for label in look["labels"]), name


def test_a_moved_and_zoomed_map_keeps_each_label_at_its_circle(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 13, "country_code = 'ES'")
    page = visit(url=mapped.url, extra_http_headers=HEADERS, reduced_motion="reduce").open(
        "/rooms/map"
    )
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_role("button", name="Zoom in").click()
        for key in ("ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        assert_beside(page.evaluate(LOOK))


def test_the_map_that_the_key_opens_is_small_though_it_is_not_compressed(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 5_000)
    visitor = visit(url=mapped.url)
    page = visitor.open("/rooms/map")
    page.locator("#key").fill(KEY)
    page.locator("#key").press("Enter")
    page.locator(".scene a").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    (opened,) = [request for request in visitor.loaded if request.method == "POST"]
    response = opened.response()
    assert response
    assert "content-encoding" not in response.headers
    assert opened.sizes()["responseBodySize"] < MAX_BYTES
    assert visitor.bytes_loaded() < MAX_BYTES


def test_five_users_far_away_do_not_shrink_the_others_country(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    # Without the Canary Islands, which would be as far from the middle of the rest.
    fill_map(mapped_sql, 40, "country_code = 'ES' AND latitude > 35")
    page = visit(url=mapped.url, extra_http_headers=HEADERS).open("/rooms/map")
    before = page.locator(".scene a.city").count()
    add_to_map(mapped_sql, 2, "country_code = 'NZ'")
    mapped_sql(
        "DELETE FROM memberships WHERE user_id !~ '-[1-5]$' AND city_id IN "
        "(SELECT id FROM cities WHERE country_code = 'NZ')"
    )
    wait_until(lambda: "New Zealand" in read_map(mapped))
    page.reload()
    assert page.locator(".scene a.city").count() == before
    assert page.locator(".scene a.far").count() >= 1


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
        assert requests.post(f"{service.url}/rooms", json=body, headers=HEADERS, timeout=5).ok
    wait_until(lambda: "Madrid" in read_map(service))
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
    assert [cell for cell in cells if cell] == ["2", "2"]
    visitor.assert_accessible()
    visitor.assert_clean()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_without_a_script_continents_countries_and_near_cities_are_a_click_away(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 500, "country_code IN ('ES', 'FR', 'JP')")
    page = visit(url=mapped.url, java_script_enabled=False).open("/rooms/map")
    page.locator("#key").fill(KEY)
    page.get_by_role("button", name="Show the map").click()
    parts = page.get_by_role("navigation", name="Parts of the map")
    parts.get_by_role("button", name="Europe").click()
    parts.get_by_role("button", name="Spain").click()
    assert page.title().startswith("Spain")
    assert "Tokyo" not in page.inner_text("tbody")
    assert "Getafe" not in page.inner_text("tbody")
    # The first circle with near cities is the largest one, whose view has some of them.
    while "Getafe" not in page.inner_text("tbody"):
        page.locator("tbody").get_by_role("button").first.click()
        assert page.title().startswith("Near ")
    parts.get_by_role("button", name="All members").click()
    assert "Tokyo" in page.inner_text("tbody")


def test_a_circle_and_its_row_lead_to_each_other_by_keys_and_touch(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 13, "country_code = 'ES'")
    visitor = visit(size=PHONE, url=mapped.url, extra_http_headers=HEADERS, has_touch=True)
    page = visitor.open("/rooms/map")
    visitor.tab_to(".skip[href='#table']")
    page.keyboard.press("Tab")
    name = page.evaluate("document.activeElement.querySelector('title').textContent")
    page.keyboard.press("Enter")
    assert page.inner_text("tr:target th a") in name
    page.locator("tr:target th a").tap()
    assert page.evaluate("document.activeElement.querySelector('title').textContent") == name
    page.locator(".scene a").nth(1).tap()
    second = page.locator(".scene a").nth(1).get_attribute("href")
    assert page.evaluate("location.hash") == second


def test_a_tap_next_to_a_circle_leads_to_the_row_of_the_nearest_one(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 500, "country_code = 'ES'")
    visitor = visit(size=PHONE, url=mapped.url, extra_http_headers=HEADERS, has_touch=True)
    page = visitor.open("/rooms/map")
    circles = page.evaluate(LOOK)["circles"]
    free = []
    for number, (x, y, _) in enumerate(circles):
        beside = x + MIN_TARGET_PX / 2 - 1, y
        distances = [math.dist(beside, (x, y)) - r for x, y, r in circles]
        if min(distances) == distances[number] > 1:
            free.append((number, beside))
    assert len(free) > 10
    # The top of the page is in the same place for each tap.
    for number, (x, y) in free[::5]:
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        page.touchscreen.tap(x, y)
        row = page.locator(".scene a").nth(number).get_attribute("href")
        page.wait_for_function("(row) => location.hash === row", arg=row)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_buttons_keys_and_the_wheel_with_a_key_zoom_the_map_and_the_wheel_scrolls_the_page(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql, motion: str
) -> None:
    fill_map(mapped_sql, 13, "country_code = 'ES'")
    visitor = visit(url=mapped.url, extra_http_headers=HEADERS, reduced_motion=motion)
    page = visitor.open("/rooms/map")
    whole = view_box(page)
    page.get_by_role("button", name="Zoom in").click()
    if motion == "reduce":
        assert view_box(page)[2] == pytest.approx(whole[2] / 1.6)
    page.wait_for_function(
        f"() => document.querySelector('.scene').viewBox.baseVal.width < {whole[2] / 1.59}"
    )
    left = view_box(page)[0]
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => document.querySelector('.scene').viewBox.baseVal.x > {left + 1}")
    page.keyboard.press("0")
    page.wait_for_function("() => document.querySelector('[data-zoom=out]').disabled")
    page.locator(".world > svg").hover()
    scrolled = page.evaluate("scrollY")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("() => !document.querySelector('[data-zoom=out]').disabled")
    assert page.evaluate("scrollY") == scrolled
    zoomed = view_box(page)
    page.mouse.wheel(0, 300)
    page.wait_for_function("(scrolled) => scrollY > scrolled", arg=scrolled)
    assert view_box(page) == zoomed
    assert_readable(page.evaluate(LOOK) | {"labels": []}, [])


@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_the_zoom_buttons_end_where_the_map_ends(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql, width: int
) -> None:
    fill_map(mapped_sql, 13, "country_code = 'ES'")
    visitor = visit(size=(width, 860), url=mapped.url, extra_http_headers=HEADERS)
    page = visitor.open("/rooms/map")
    boxes = [page.locator(part).bounding_box() for part in (".world > svg", ".zoom")]
    right, end = [box["x"] + box["width"] for box in boxes if box]
    assert end == pytest.approx(right, abs=PIXEL)


def test_two_fingers_zoom_the_map_and_not_the_page(
    visit: Callable[..., Visit], mapped: Gunicorn, mapped_sql: Sql
) -> None:
    fill_map(mapped_sql, 13, "country_code = 'ES'")
    visitor = visit(size=PHONE, url=mapped.url, extra_http_headers=HEADERS, has_touch=True)
    page = visitor.open("/rooms/map")
    box = page.locator(".world > svg").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, away in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        fingers = [{"x": x + side * away, "y": y, "id": side + 1} for side in (-1, 1)]
        touch = {"type": kind, "touchPoints": fingers if away else []}
        session.send("Input.dispatchTouchEvent", touch)
    page.wait_for_function("() => document.querySelector('.scene').viewBox.baseVal.width < 1000")
    assert page.evaluate("visualViewport.scale") == 1


def test_cities_are_drawn_on_land(visit: Callable[..., Visit], mapped: Gunicorn) -> None:
    visitor = visit(url=mapped.url, extra_http_headers=HEADERS)
    page = visitor.open("/rooms/map?region=world")
    for name, place in INLAND.items():
        assert page.evaluate(IS_LAND, [float(axis) for axis in WORLD.place(*place)]), name
    for name, place in SEA.items():
        assert not page.evaluate(IS_LAND, [float(axis) for axis in WORLD.place(*place)]), name
