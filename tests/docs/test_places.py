"""Checks the tables of docs/places.md and runs its commands."""

import re
import shlex
from typing import Any

import pytest

from app.domain.cities.city import Place
from tests.support.manage import run_manage
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "places.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in row.split("|")[1:-1])
    for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
    if "---" not in row and "did_you_mean" not in row and "resolves to" not in row
]
AREAS = [row for row in ROWS if row[-2] in ("area", "placeless")]
ASKED = [row for row in ROWS if row not in AREAS and (";" in row[-1] or row[-1].count(",") > 1)]
CITIES = [row[-2:] for row in ROWS if row not in AREAS and row not in ASKED]


@pytest.mark.parametrize(("typed", "expected"), CITIES)
def test_each_name_resolves_to_the_city_of_the_page(app: Any, typed: str, expected: str) -> None:
    city = app.extensions["nomad_rooms"].cities.find(typed, None)
    assert (f"{city.name}, {city.country}" if city else "no city") == expected


@pytest.mark.parametrize(("typed", "expected", "others"), ASKED)
def test_each_doubtful_name_comes_with_the_cities_of_the_page(
    app: Any, typed: str, expected: str, others: str
) -> None:
    cities = app.extensions["nomad_rooms"].cities
    reading = cities.read(typed, None)
    found = [reading.city, *cities.choices(reading)]
    assert [f"{city.name}, {city.country}" for city in found] == [expected, *others.split("; ")]


@pytest.mark.parametrize(("typed", "expected", "kind", "others"), AREAS)
def test_each_area_is_the_place_of_the_page(
    app: Any, typed: str, expected: str, kind: str, others: str
) -> None:
    located = app.extensions["nomad_rooms"].cities.locate(Place(typed))
    names = [
        f"{city.name}, {city.country}" if city.country else city.name
        for city in (located.city, *located.did_you_mean)
    ]
    assert located.city.kind == kind
    assert names == [expected, *filter(None, others.split("; "))]


def test_the_commands_of_the_page_run(database_url: str) -> None:
    commands = re.findall(r"^python manage.py (.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        done = run_manage(*shlex.split(command), DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
