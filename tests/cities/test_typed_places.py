"""cities rename and cities remove: corrections of places that users typed."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.cities.city import Place
from tests.support.databases import Sql
from tests.support.http import place
from tests.support.manage import run_manage

TYPED = "cadaques!!!"


@pytest.fixture
def typed(client: FlaskClient) -> int:
    """The id of a place as a user typed it."""
    return int(place(client, city=TYPED)["city"]["id"])


@pytest.fixture
def cities(app: Any, database_url: str) -> Any:
    """Run `manage.py cities …` on the client's database, and drop the client's caches."""

    def run(*arguments: object) -> Any:
        done = run_manage("cities", *map(str, arguments), DATABASE_URL=database_url)
        app.extensions["nomad_rooms"].cities.clear_cache()
        app.extensions["nomad_rooms"].rooms.clear_cache()
        return done

    return run


def test_a_renamed_place_has_its_name_everywhere_and_keeps_its_people(
    client: FlaskClient, cities: Any, typed: int, sql: Sql
) -> None:
    before = place(client, city=TYPED)
    # In Unicode's decomposed form, as some systems write it.
    dry = cities("rename", typed, "Cadaque\u0301s", "--dry-run")
    assert dry.stdout == f"{TYPED} ({typed}) becomes Cadaqués\n"
    assert place(client, city=TYPED)["city"]["name"] == TYPED
    assert cities("rename", typed, "  Cadaque\u0301s ", "--yes").returncode == 0
    for spelling in (TYPED, "CADAQUÉS", "cadaques"):
        after = place(client, city=spelling)
        assert (after["city"]["id"], after["city"]["name"]) == (typed, "Cadaqués")
        assert (after["room_id"], after["joined"]) == (before["room_id"], False)
    room = client.get(f"/rooms/{before['room_id']}").json
    assert room["city"]["name"] == "Cadaqués"
    (run,) = sql("SELECT command, arguments, counts FROM admin_runs")
    assert run == ("cities rename", {"city_id": typed}, {"cities": 1})


def test_a_place_is_found_by_its_new_name_and_by_all_former_ones(
    client: FlaskClient, cities: Any, typed: int
) -> None:
    for name in ("Port Lligat", "Portlligat de Dalt", "Port Lligat"):
        assert cities("rename", typed, name, "--yes").returncode == 0
        for spelling in (TYPED, "Port Lligat", name):
            city = place(client, _id="user-2", city=spelling)["city"]
            assert (city["id"], city["name"]) == (typed, name)
        assert place(client, city=TYPED)["joined"] is False


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Sevilla", "cities merge {id} 2510911"),
        ("Zuheros del Mar", "cities merge {id} {other}"),
        ("Andalucía", "area"),
        ("!!!", "must have a letter or a digit"),
        ("x" * 81, "1 to 80 characters"),
        ("Cada\u0007qués", "control character"),
        ("  ", "1 to 80 characters"),
        (TYPED, "already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_line(
    client: FlaskClient, cities: Any, typed: int, sql: Sql, name: str, message: str
) -> None:
    other = place(client, _id="user-2", city="Zuheros del Mar")["city"]["id"]
    refused = cities("rename", typed, name, "--yes")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert message.format(id=typed, other=other) in refused.stderr
    assert sql("SELECT name FROM cities WHERE id = %s", (typed,)) == [(TYPED,)]


@pytest.mark.parametrize("command", [("rename", "2510911", "Híspalis"), ("remove", "2510911")])
def test_cities_of_the_gazetteer_are_neither_renamed_nor_removed(
    cities: Any, command: tuple[str, ...]
) -> None:
    refused = cities(*command, "--yes")
    assert (refused.returncode, "gazetteer" in refused.stderr) == (1, True)
    unknown = cities(command[0], "7", *command[2:], "--yes")
    assert (unknown.returncode, "cities unlisted" in unknown.stderr) == (1, True)


def test_only_a_place_that_nothing_refers_to_is_removed(
    client: FlaskClient, cities: Any, typed: int, sql: Sql
) -> None:
    assert "1 members, 1 rooms" in cities("remove", typed, "--yes").stderr
    sql("DELETE FROM memberships")  # a killed process leaves the place of the last user
    assert "has 1 rooms" in cities("remove", typed, "--yes").stderr
    sql("DELETE FROM rooms")
    cities("rename", typed, "Port Lligat", "--yes")
    ((former,),) = sql("SELECT id FROM cities WHERE merged_into = %s", (typed,))
    assert f"removed first: {former}" in cities("remove", typed, "--yes").stderr
    for city in (former, typed):
        assert cities("remove", city, "--dry-run").returncode == 0
        assert json.loads(cities("remove", city, "--yes", "--json").stdout) == {"removed": city}
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]
    assert sql("SELECT count(*) FROM admin_runs WHERE command = 'cities remove'") == [(2,)]
    assert place(client, city=TYPED)["city"]["id"] != typed


def test_a_place_that_is_typed_while_it_is_removed_is_created_again(
    app: Any, client: FlaskClient, typed: int, sql: Sql
) -> None:
    sql("DELETE FROM memberships")
    app.extensions["nomad_rooms"].rooms.clear_cache()
    sql("DELETE FROM rooms")
    # The process has the place in its cache when another one removes it.
    assert app.extensions["nomad_rooms"].cities.locate(Place(TYPED)).city.id == typed
    sql("DELETE FROM cities WHERE id = %s", (typed,))
    city = place(client, city=TYPED)["city"]
    assert (city["name"], city["id"] != typed) == (TYPED, True)
