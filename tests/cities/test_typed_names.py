"""Typed names resolve to the city that a traveller expects."""

import csv
from pathlib import Path
from typing import Any

import pytest

from app.domain.cities.repository import UnusableName

TABLE = Path(__file__).parent / "typed_names.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
# Rows where the rules, which ignore fame, give another city than a traveller expects.
OPEN = [row for row in ROWS if row["why"].startswith("OPEN: ")]


def find_id(app: Any, row: dict[str, str]) -> str:
    try:
        city = app.extensions["nomad_rooms"].cities.find(row["typed"], row["country"] or None)
    except UnusableName:
        return ""
    return str(city.id) if city else ""


@pytest.mark.parametrize("group", sorted({row["group"] for row in ROWS}))
def test_a_typed_name_resolves_to_the_expected_city(app: Any, group: str) -> None:
    wrong = [
        f"{row['typed']} ({row['country']}): {row['name']}, not {find_id(app, row)}"
        for row in ROWS
        if row["group"] == group and row not in OPEN and find_id(app, row) != row["geonameid"]
    ]
    assert wrong == []


def test_wrong_results_of_the_rules_are_marked_and_rare(app: Any) -> None:
    assert len(OPEN) <= len(ROWS) * 0.025
    fixed = [row["typed"] for row in OPEN if find_id(app, row) == row["geonameid"]]
    assert fixed == [], "these rows pass now: remove OPEN"
