"""CSV files of users, as an app exports them, and what importing them stores."""

import csv
import json
import random
from pathlib import Path
from typing import Any

from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import run_manage

TOWNS = ("Sevilla", "madrid", "VIGO", "Granada", "Vila d'Enlloc", "San Sebastián")


def user_rows(model: Model, number: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return valid rows with a random city and random interests."""
    rng = random.Random(seed)
    rows = []
    for n in range(number):
        interests = {key: rng.choice(("1", "")) for key in model.interests}
        interests[rng.choice(model.interests)] = "x"
        rows.append({"_id": f"user-{n}", "city": rng.choice(TOWNS), "country": "ES"} | interests)
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    """Write rows to a file, and return its path; `options` of open() and of csv.writer."""
    encoding, errors = options.pop("encoding", "utf-8"), options.pop("errors", "strict")
    with path.open("w", newline="", encoding=encoding, errors=errors) as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


def import_users(url: str, path: Path, *options: str) -> dict[str, int]:
    """Import a file with manage.py, and return the counts."""
    done = run_manage("users", "import", str(path), "--yes", "--json", *options, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    assert counts["read"] == counts["placed"] + counts["unchanged"] + counts["rejected"]
    return counts


def memberships(url: str) -> list[tuple[Any, ...]]:
    """Return user, city, cluster and interests of all members: ids differ between databases."""
    return sql_on(url)(
        "SELECT user_id, city.name_key, rooms.cluster_id, interests FROM memberships"
        " JOIN rooms ON rooms.id = room_id JOIN cities AS city ON city.id = memberships.city_id"
        " ORDER BY user_id"
    )
