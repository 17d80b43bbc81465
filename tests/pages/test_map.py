"""GET /rooms/map: the counts, the drawing, and the key."""

import math
import re

import pytest
from flask.testing import FlaskClient

from app.pages.map.drawing import OUTLINE
from app.pages.map.projection import WIDTH, project
from app.pages.rendering import TRANSLATIONS
from tests.support.databases import Sql
from tests.support.serving import KEY

BROWSER = {"Accept": "text/html", "Accept-Language": "es"}
CINEMA, NIGHTS = ["chinese", "movies"], ["drinks", "parties"]


def place(client: FlaskClient, city: str, interests: list[str], people: int) -> None:
    for number in range(people):
        name = f"{city}-{interests[0]}-{number}".replace(" ", "-")
        body = {"_id": name, "city": city, "interests": interests}
        assert client.post("/rooms", json=body).status_code < 300


def rows(page: str) -> list[list[str]]:
    """Return the cells of the table's body."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def test_the_table_counts_members_by_city_and_cluster_largest_city_first(
    client: FlaskClient,
) -> None:
    place(client, "Vigo", CINEMA, 1)
    place(client, "Sevilla", CINEMA, 2)
    place(client, "Sevilla", NIGHTS, 1)
    place(client, "Enlloc", NIGHTS, 1)
    page = client.get("/rooms/map?language=es", headers=BROWSER).text
    assert rows(page) == [
        ["Sevilla", "ES", "3", "2", "1"],
        ["Vigo", "ES", "1", "1", ""],
        ["Enlloc *", "ES", "1", "", "1"],
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
    radii = [float(radius) for radius in re.findall(r'<circle[^>]* r="([\d.]+)"', page)]
    assert radii[0] == pytest.approx(2 * radii[1], abs=0.02)
    (bilbao,) = re.findall(r"<g><title>Bilbao: 2</title>(.*?)</g>", page, re.DOTALL)
    assert re.findall(r'class="(cluster-\d)"', bilbao) == ["cluster-1", "cluster-3"]


def test_the_people_of_a_gathered_town_are_counted_at_its_hub(
    client: FlaskClient, sql: Sql
) -> None:
    sql("UPDATE cities SET hub_id = 2510911 WHERE name = 'Dos Hermanas' AND country_code = 'ES'")
    place(client, "Dos Hermanas", CINEMA, 1)
    place(client, "Sevilla", CINEMA, 1)
    assert rows(client.get("/rooms/map", headers=BROWSER).text) == [["Sevilla", "ES", "2", "2"]]


def test_an_area_is_drawn_in_its_middle_and_named_as_one(client: FlaskClient) -> None:
    place(client, "Mallorca", CINEMA, 2)
    place(client, "Palma de Mallorca", CINEMA, 1)
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    assert rows(page) == [["Mallorca (area)", "ES", "2", "2"], ["Palma", "ES", "1", "1"]]
    area, palma = re.findall(r'<circle[^>]* cx="([\d.-]+)" cy="([\d.-]+)"', page)
    assert math.dist(tuple(map(float, area)), tuple(map(float, palma))) < 0.1 * WIDTH


def test_without_members_there_is_a_map_of_the_world(client: FlaskClient) -> None:
    page = client.get("/rooms/map?language=en", headers=BROWSER).text
    assert f'viewBox="-{WIDTH / 2} ' in page
    assert TRANSLATIONS["en"]["map"]["none"] in page


def test_a_browser_without_a_key_gets_a_form_that_sends_it(
    client: FlaskClient,
) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    closed = client.get("/rooms/map", headers=BROWSER)
    assert closed.status_code == 401
    assert 'name="key" type="password"' in closed.text
    assert TRANSLATIONS["es"]["errors"]["key_missing"] not in closed.text
    wrong = client.post("/rooms/map", data={"key": "not-the-key"}, headers=BROWSER)
    assert wrong.status_code == 401
    assert TRANSLATIONS["es"]["errors"]["key_wrong"] in wrong.text
    assert client.post("/rooms/map", data={"key": KEY}, headers=BROWSER).status_code == 200
    program = client.get("/rooms/map")
    assert program.content_type == "application/problem+json"


def test_the_projection_is_equal_earth() -> None:
    """Šavrič, Patterson and Jenny 2019: the equator is 2.05458 times as long as the meridian."""
    right, _ = project(0, 11 + 179.999999)
    _, top = project(90, 11)
    assert right == pytest.approx(WIDTH / 2)
    assert right / -top == pytest.approx(2.05458, abs=1e-4)

    def area(south: float, north: float) -> float:
        (_, bottom), (_, top) = project(south, 11), project(north, 11)
        middle = (south + north) / 2
        return (bottom - top) * (project(middle, 12)[0] - project(middle, 11)[0])

    # Equal areas stay equal: a cell of the grid shrinks with the cosine of its latitude.
    ratio = area(59.95, 60.05) / area(-0.05, 0.05)
    assert ratio == pytest.approx(math.cos(math.radians(60)), rel=1e-3)


def test_the_outline_stays_small() -> None:
    assert len(OUTLINE["land"]) + len(OUTLINE["borders"]) < 80_000
