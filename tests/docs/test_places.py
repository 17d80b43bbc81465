"""Checks the tables of docs/places.md and runs its commands."""

import re
import shlex
from typing import Any

import pytest

from tests.support.manage import run_manage
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "places.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in row.split("|")[1:-1])
    for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
    if "---" not in row and "typed" not in row
]


@pytest.mark.parametrize(("typed", "expected"), [row[-2:] for row in ROWS])
def test_each_name_resolves_to_the_city_of_the_page(app: Any, typed: str, expected: str) -> None:
    city = app.extensions["nomad_rooms"].cities.find(typed, None)
    assert (f"{city.name}, {city.country}" if city else "no city") == expected


def test_the_commands_of_the_page_run(database_url: str) -> None:
    commands = re.findall(r"^python manage.py (.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = run_manage(*shlex.split(command), DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
