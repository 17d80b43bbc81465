"""A typed place is the place that a person means."""

import csv
from pathlib import Path
from typing import Any

import pytest

TABLE = Path(__file__).parent / "typed_names.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
# Rows that say what a traveller means where the rules, which know no fame, give another city.
OPEN = [row for row in ROWS if row["why"].startswith("OPEN: ")]


def meant(app: Any, row: dict[str, str]) -> str:
    city = app.extensions["nomad_rooms"].cities.find(row["typed"], row["country"] or None)
    return str(city.id) if city else ""


@pytest.mark.parametrize("group", sorted({row["group"] for row in ROWS}))
def test_a_typed_name_means_the_city_a_traveller_means(app: Any, group: str) -> None:
    wrong = [
        f"{row['typed']} ({row['country']}): {row['name']}, not {meant(app, row)}"
        for row in ROWS
        if row["group"] == group and row not in OPEN and meant(app, row) != row["geonameid"]
    ]
    assert wrong == []


def test_what_the_rules_get_wrong_is_known_and_rare(app: Any) -> None:
    assert len(OPEN) <= len(ROWS) * 0.025
    mended = [row["typed"] for row in OPEN if meant(app, row) == row["geonameid"]]
    assert mended == [], "no longer open: take OPEN away"
