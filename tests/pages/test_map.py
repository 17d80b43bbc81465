"""GET /rooms/map: the counts, the parts, the frame, the drawing, and the key."""

import html
import itertools
import math
import re

import numpy as np
import pytest
from flask.testing import FlaskClient

from app.pages.map.frame import UNITS, WORLD, Frame, fit_frame, frame_around
from app.pages.map.outline import FILE, outline_of
from app.pages.map.projection import WIDTH, project
from app.pages.map.regions import COUNTRIES, REGION_OF
from app.pages.rendering import TRANSLATIONS
from app.services import EXTENSION
from tests.support.databases import Sql
from tests.support.mapped import fill_map
from tests.support.serving import KEY

BROWSER = {"Accept": "text/html", "Accept-Language": "es"}
CINEMA, NIGHTS = ["chinese", "movies"], ["drinks", "parties"]
MADRID, TOKYO, AUCKLAND = (40.4, -3.7), (35.7, 139.7), (-36.8, 174.8)
MAX_BYTES, MAX_ELEMENTS = 120_000, 1_500
SUVA, APIA, NUKUALOFA = (-18.1, 178.4), (-13.8, -171.8), (-21.1, -175.2)


def place(client: FlaskClient, city: str, interests: list[str], people: int) -> None:
    for number in range(people):
        name = f"{city}-{interests[0]}-{number}".replace(" ", "-")
        body = {"_id": name, "city": city, "interests": interests}
        assert client.post("/rooms", json=body).status_code < 300


def rows(page: str) -> list[list[str]]:
    """Return the cells of the table's body."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            " ".join(re.sub(r"<[^>]+>", "", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    ]


def frame_of(*places: tuple[float, float], members: list[int] | None = None) -> Frame:
    latitudes, longitudes = np.array(places).T
    return fit_frame(latitudes, longitudes, np.array(members or [1] * len(places), dtype=float))


def is_in(frame: Frame, place: tuple[float, float]) -> bool:
    latitude, longitude = (np.array([degrees]) for degrees in place)
    return bool(frame.contains(latitude, longitude)[0])


def test_the_table_counts_members_by_city_and_cluster_largest_city_first(
    client: FlaskClient,
) -> None:
    place(client, "Vigo", CINEMA, 1)
    place(client, "Sevilla", CINEMA, 2)
    place(client, "Sevilla", NIGHTS, 1)
    place(client, "Enlloc", NIGHTS, 1)
    page = client.get("/rooms/map?language=es", headers=BROWSER).text
    assert rows(page) == [
        ["Sevilla, España", "3", "2", "1"],
        ["Vigo, España", "1", "1", ""],
        ["Enlloc, España *", "1", "", "1"],
    ]
    assert TRANSLATIONS["es"]["map"]["unplaced"] in page


def test_a_citys_circle_grows_with_its_members_and_is_sliced_by_cluster(
    client: FlaskClient,
) -> None:
    place(client, "Vigo", CINEMA, 1)
    place(client, "Sevilla", CINEMA, 4)
    place(client, "Bilbao", CINEMA, 1)
    place(client, "Bilbao", NIGHTS, 1)
    page = client.get("/rooms/map", headers=BROWSER).text
    circles = dict(re.findall(r"<title>(\w+): \d</title>\s*(.*?)</a>", page, re.DOTALL))
    radii = {city: float(re.findall(r"A([\d.]+)", path)[0]) for city, path in circles.items()}
    assert radii["Sevilla"] == pytest.approx(2 * radii["Vigo"], abs=0.1)
    assert re.findall(r'class="(cluster-\d)"', circles["Bilbao"]) == ["cluster-1", "cluster-3"]


def test_the_members_are_counted_once_in_some_seconds(client: FlaskClient) -> None:
    place(client, "Vigo", CINEMA, 1)
    first = client.get("/rooms/map", headers=BROWSER).text
    place(client, "Bilbao", CINEMA, 1)
    part = client.get("/rooms/map?country=ES", headers=BROWSER).text
    assert rows(part) == rows(first)
    client.application.extensions[EXTENSION].city_counts.clear_cache()
    assert len(rows(client.get("/rooms/map", headers=BROWSER).text)) == 2


def test_the_key_and_the_columns_name_the_groups_by_what_they_share(
    client: FlaskClient, sql: Sql
) -> None:
    place(client, "Vigo", CINEMA, 1)
    place(client, "Vigo", NIGHTS, 1)
    labels = sql("SELECT label_en FROM clusters JOIN rooms ON cluster_id = clusters.id ORDER BY 1")
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    for element in ("li", "th"):
        named = re.findall(rf'<{element}[^>]* class="cluster-\d">(.*?)</{element}>', page)
        assert sorted(html.unescape(text) for text in named) == [label for (label,) in labels]
    assert "Group 1" not in page


def test_a_circle_of_one_cluster_is_drawn_whole(client: FlaskClient) -> None:
    """SVG leaves out an arc that ends, as it is written, where it begins."""
    for city, people in (("Sevilla", 9), ("Vigo", 1), ("Mallorca", 1)):
        place(client, city, CINEMA, people)
    page = client.get("/rooms/map", headers=BROWSER).text
    paths = re.findall(r'<path class="cluster-\d" d="M([^"]+?)z?"', page)
    assert len(paths) == 3
    for path in paths:
        points = [[float(axis) for axis in arc.split()[-2:]] for arc in path.split("A")]
        assert all(one != other for one, other in itertools.pairwise(points))


def test_the_people_of_a_gathered_town_are_counted_at_its_hub(
    client: FlaskClient, sql: Sql
) -> None:
    sql("UPDATE cities SET hub_id = 2510911 WHERE name = 'Dos Hermanas' AND country_code = 'ES'")
    place(client, "Dos Hermanas", CINEMA, 1)
    place(client, "Sevilla", CINEMA, 1)
    assert rows(client.get("/rooms/map", headers=BROWSER).text) == [["Sevilla, España", "2", "2"]]


def test_the_count_of_a_circle_of_several_cities_names_all_of_them(client: FlaskClient) -> None:
    # The largest ten have circles of their own.
    coast = ("Barcelona", "Valencia", "Bilbao", "Vigo", "Cadiz", "Malaga", "Almeria", "Gijon")
    for city in ("Madrid", "Sevilla", *coast):
        place(client, city, CINEMA, 2)
    place(client, "Getafe", CINEMA, 1)
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    assert ["Madrid and 1 near, Spain", "3", "3"] in rows(page)
    assert "<title>Madrid and 1 near: 3</title>" in page


def test_an_area_is_a_ring_of_its_own_and_named_as_one(client: FlaskClient) -> None:
    place(client, "Mallorca", CINEMA, 2)
    place(client, "Palma de Mallorca", CINEMA, 1)
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    assert rows(page) == [["Mallorca (area), Spain", "2", "2"], ["Palma, Spain", "1", "1"]]
    circles = re.findall(r'class="(area|city)" transform="translate\(([\d.]+) ([\d.]+)\)"', page)
    assert [kind for kind, _, _ in circles] == ["area", "city"]
    area, palma = ((float(x), float(y)) for _, x, y in circles)
    assert math.dist(area, palma) < 0.15 * UNITS
    assert TRANSLATIONS["en"]["map"]["ring"] in page


def test_without_members_there_is_a_map_of_the_world(client: FlaskClient) -> None:
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    assert 'class="world whole"' in page
    assert TRANSLATIONS["en"]["map"]["none"] in page


def test_a_part_of_the_map_has_its_cities_and_links_to_wider_and_narrower_parts(
    client: FlaskClient,
) -> None:
    for city in ("Sevilla", "Paris", "Tokyo"):
        place(client, city, CINEMA, 1)
    europe = client.get("/rooms/map?language=en&region=eu", headers=BROWSER)
    assert [row[0] for row in rows(europe.text)] == ["Sevilla, Spain", "Paris, France"]
    assert 'href="/rooms/map?language=en&amp;country=ES">Spain</a> 1' in europe.text
    spain = client.get("/rooms/map?language=en&country=ES", headers=BROWSER)
    assert [row[0] for row in rows(spain.text)] == ["Sevilla, Spain"]
    assert 'href="/rooms/map?language=en&amp;region=EU">Europe</a>' in spain.text
    assert "<title>Spain · " in spain.text
    world = client.get("/rooms/map?region=world", headers=BROWSER)
    assert 'class="world whole"' in world.text
    assert len(rows(world.text)) == 3
    empty = client.get("/rooms/map?country=IT&language=en", headers=BROWSER)
    assert empty.status_code == 200
    assert TRANSLATIONS["en"]["map"]["none_here"] in empty.text


def test_every_country_with_members_has_a_link(client: FlaskClient, sql: Sql) -> None:
    fill_map(sql, 5_000)
    africa = sql(
        "SELECT DISTINCT country_code FROM memberships JOIN cities ON cities.id = city_id"
        " WHERE country_code = ANY (%(codes)s)",
        {"codes": [code for code, region in REGION_OF.items() if region == "AF"]},
    )
    assert len(africa) > 40
    page = client.get("/rooms/map?region=AF", headers=BROWSER).text
    assert set(re.findall(r"country=(\w\w)\"", page)) == {code for (code,) in africa}
    assert page.count("<") - page.count("</") < MAX_ELEMENTS


@pytest.mark.parametrize(
    "query",
    [
        "country=XX",
        "country=%00",
        "region=Atlantis",
        "near=1",
        "near=1&zoom=99",
        "near=²&zoom=1",
        f"near={'9' * 99}&zoom=1",
        "near=9&zoom=-1",
        "near=2510911&zoom=0",
        "near=999999999999&zoom=3",
    ],
)
def test_an_unknown_part_returns_404_with_the_whole_map(client: FlaskClient, query: str) -> None:
    place(client, "Sevilla", CINEMA, 1)
    answer = client.get(f"/rooms/map?language=en&{query}", headers=BROWSER)
    assert answer.status_code == 404
    assert TRANSLATIONS["en"]["map"]["unknown_part"] in answer.text
    assert len(rows(answer.text)) == 1


@pytest.mark.parametrize("zoom", [1, 4, 11])
def test_a_view_near_a_city_has_the_cities_around_it(client: FlaskClient, zoom: int) -> None:
    for city in ("Sevilla", "Bilbao", "Tokyo"):
        place(client, city, CINEMA, 1)
    page = client.get(f"/rooms/map?language=en&near=2510911&zoom={zoom}", headers=BROWSER)
    assert page.status_code == 200
    assert "<title>Near Sevilla · " in page.text
    assert ["Bilbao" in page.text, "Tokyo" in page.text] == [zoom < 5, False]
    assert 'href="/rooms/map?language=en&amp;country=ES">Spain</a>' in page.text


def test_every_part_of_the_world_is_drawn(client: FlaskClient, sql: Sql) -> None:
    fill_map(sql, 300)
    queries = [f"country={code}" for code in list(COUNTRIES)[::16]]
    places = sql(
        "SELECT id, latitude, longitude FROM cities WHERE id IN (SELECT city_id FROM rooms)"
    )
    farthest = {end(places, key=lambda row: row[axis])[0] for end in (min, max) for axis in (1, 2)}
    queries += [f"near={city}&zoom={zoom}" for city in farthest for zoom in (1, 6, 11)]
    for query in queries:
        page = client.get(f"/rooms/map?{query}", headers=BROWSER)
        assert page.status_code == 200, query
        assert len(page.data) < MAX_BYTES, query


def test_a_browser_without_a_key_gets_a_form_that_sends_it(
    client: FlaskClient,
) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    closed = client.get("/rooms/map?country=ES", headers=BROWSER)
    assert closed.status_code == 401
    assert 'name="key" type="password"' in closed.text
    assert "country=ES" in closed.text.partition("<form")[2]
    assert TRANSLATIONS["es"]["errors"]["key_missing"] not in closed.text
    wrong = client.post("/rooms/map", data={"key": "not-the-key"}, headers=BROWSER)
    assert wrong.status_code == 401
    assert TRANSLATIONS["es"]["errors"]["key_wrong"] in wrong.text
    assert "not-the-key" not in wrong.text
    assert client.post("/rooms/map", data={"key": KEY}, headers=BROWSER).status_code == 200
    program = client.get("/rooms/map")
    assert program.content_type == "application/problem+json"


def test_a_page_of_5000_cities_is_small_and_counts_all_members(
    client: FlaskClient, sql: Sql
) -> None:
    fill_map(sql, 5_000)
    page = client.get("/rooms/map", headers=BROWSER)
    assert len(page.data) < MAX_BYTES
    counted = sum(int(row[1]) for row in rows(page.text))
    assert counted == sql("SELECT count(*) FROM memberships")[0][0]


def test_a_frame_has_the_middle_95_percent_of_members() -> None:
    spain = [(40 + 0.02 * i, -3 + 0.02 * i) for i in range(95)]
    frame = frame_of(*spain, *[AUCKLAND] * 5)
    assert all(is_in(frame, place) for place in spain)
    assert not is_in(frame, AUCKLAND)
    assert is_in(frame_of(*spain, *[AUCKLAND] * 6), AUCKLAND)
    weighted = frame_of(MADRID, AUCKLAND, members=[99, 1])
    assert is_in(weighted, MADRID)
    assert not is_in(weighted, AUCKLAND)


def test_a_frame_crosses_the_date_line_where_its_members_do() -> None:
    islands = [SUVA, APIA, NUKUALOFA]
    frame = frame_of(*islands)
    assert frame.width < WIDTH / 10
    assert all(is_in(frame, place) for place in islands)
    x = [float(frame.place(*place)[0]) for place in (SUVA, NUKUALOFA, APIA)]
    assert x == sorted(x)
    pacific = frame_of(AUCKLAND, TOKYO, (37.8, -122.4), (65, 175))
    assert all(is_in(pacific, place) for place in [AUCKLAND, TOKYO, (37.8, -122.4)])
    assert not pacific.is_world


def test_members_all_around_the_world_have_a_map_of_it() -> None:
    america = [(21.3, -157.9), (37.8, -122.4), (40.7, -74), (-15.8, -47.9)]
    assert frame_of(MADRID, AUCKLAND, TOKYO, (28.6, 77.2), *america) is WORLD


def test_the_projection_is_equal_earth() -> None:
    """Šavrič, Patterson and Jenny 2019: the equator is 2.05458 times as long as the meridian."""
    right, _ = project(0, 180)
    _, top = project(90, 0)
    assert right == pytest.approx(WIDTH / 2)
    assert right / -top == pytest.approx(2.05458, abs=1e-4)

    def area(south: float, north: float) -> float:
        (_, bottom), (_, top) = project(south, 0), project(north, 0)
        middle = (south + north) / 2
        return float((bottom - top) * (project(middle, 1)[0] - project(middle, 0)[0]))

    # Equal areas stay equal: a cell of the grid shrinks with the cosine of its latitude.
    ratio = area(59.95, 60.05) / area(-0.05, 0.05)
    assert ratio == pytest.approx(math.cos(math.radians(60)), rel=1e-3)


def test_the_outline_is_finer_close_up_and_stays_small() -> None:
    whole, close = outline_of(WORLD), outline_of(frame_around(*MADRID, WIDTH / 16))
    assert len(whole.land) + len(whole.borders) < 40_000
    assert FILE.stat().st_size < 200_000
    # Spain takes 1/16 of the width of the world; its outline is longer than that share.
    assert len(close.land) > 3 * len(whole.land) / 16 / 16
    for width in (WIDTH / 2, WIDTH / 4, WIDTH / 8):
        for place in (MADRID, TOKYO, SUVA, (70, 25), (65, -90)):
            drawn = outline_of(frame_around(*place, width))
            assert len(drawn.land) + len(drawn.borders) < 60_000
