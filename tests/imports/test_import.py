"""users import and export."""

import csv
import gzip
import io
import itertools
import json
import os
import pty
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Settings, psycopg2_url
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import ROOT, run_manage
from tests.support.serving import KEY

TOWNS = ("Sevilla", "madrid", "VIGO", "Granada", "Vila d'Enlloc", "San Sebastián")


@pytest.fixture
def url(new_database: str) -> str:
    return new_database


def users(model: Model, number: int, seed: int = 1) -> list[dict[str, Any]]:
    """Good rows, as an app would export them."""
    chance = random.Random(seed)
    rows = []
    for n in range(number):
        ticked = {key: chance.choice(("1", "")) for key in model.interests}
        ticked[chance.choice(model.interests)] = "x"
        rows.append({"_id": f"user-{n}", "city": chance.choice(TOWNS), "country": "ES"} | ticked)
    return rows


def write(path: Path, rows: list[dict[str, Any]], **form: Any) -> Path:
    encoding, errors = form.pop("encoding", "utf-8"), form.pop("errors", "strict")
    with path.open("w", newline="", encoding=encoding, errors=errors) as file:
        writer = csv.DictWriter(file, list(rows[0]), **form)
        writer.writeheader()
        writer.writerows(rows)
    return path


def imported(url: str, path: Path, *options: str) -> dict[str, int]:
    done = run_manage("users", "import", str(path), "--yes", "--json", *options, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    assert counts["read"] == counts["placed"] + counts["unchanged"] + counts["rejected"]
    return counts


def memberships(url: str) -> list[tuple[Any, ...]]:
    return sql_on(url)(
        "SELECT user_id, city.name_key, rooms.cluster_id, interests FROM memberships"
        " JOIN rooms ON rooms.id = room_id JOIN cities AS city ON city.id = memberships.city_id"
        " ORDER BY user_id"
    )


def test_each_imported_user_asked_again_gets_the_same_room_and_did_not_join(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = users(model, 300)
    counts = imported(url, write(tmp_path / "users.csv", rows))
    assert (counts["read"], counts["placed"], counts["rejected"]) == (300, 300, 0)
    rooms = dict(sql_on(url)("SELECT user_id, room_id FROM memberships"))
    client = create_app(Settings(database_url=psycopg2_url(url))).test_client()
    for row in rows:
        ticked = [key for key in model.interests if row[key]]
        answer = client.post(
            "/rooms",
            json={"_id": row["_id"], "city": row["city"], "country": "ES", "interests": ticked},
        ).json
        assert (answer["room_id"], answer["joined"]) == (rooms[row["_id"]], False)
    again = imported(url, tmp_path / "users.csv")
    assert (again["placed"], again["unchanged"], again["rooms_created"]) == (0, 300, 0)
    assert sql_on(url)("SELECT count(*) FROM room_changes") == [(0,)]


def test_only_users_who_had_a_room_are_told_to_have_moved(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = users(model, 50)
    imported(url, write(tmp_path / "users.csv", rows))
    for row in rows[:10]:
        row["city"] = "Teruel"
    more = rows + [row | {"_id": f"new-{row['_id']}"} for row in rows[:5]]
    counts = imported(url, write(tmp_path / "users.csv", more))
    assert (counts["placed"], counts["moved"], counts["unchanged"]) == (15, 10, 40)
    changes = sql_on(url)("SELECT user_id, reason FROM room_changes ORDER BY user_id")
    assert changes == sorted((row["_id"], "import") for row in rows[:10])


def test_every_usual_form_of_file_is_read(url: str, tmp_path: Path, model: Model) -> None:
    rows = users(model, 20)
    imported(url, write(tmp_path / "plain.csv", rows))
    expected = memberships(url)
    semicolons = write(tmp_path / "a.csv", rows, delimiter=";", encoding="utf-8-sig")
    assert imported(url, semicolons)["unchanged"] == 20
    spelled = [
        {k: {"1": "true", "x": "SÍ", "": "no"}.get(v, v) for k, v in row.items()} for row in rows
    ]
    zipped = tmp_path / "b.csv.gz"
    zipped.write_bytes(gzip.compress(write(tmp_path / "b.csv", spelled).read_bytes()))
    assert imported(url, zipped)["unchanged"] == 20
    listed = [
        {
            "user_id": row["_id"],
            "city": row["city"],
            "country": "es",
            "interests": "; ".join(key for key in model.interests if row[key]),
        }
        for row in rows
    ]
    path = write(tmp_path / "c.csv", listed)
    done = subprocess.run(
        [sys.executable, "manage.py", "users", "import", "-", "--yes", "--json"],
        cwd=ROOT,
        env={"PATH": "", "API_KEYS": KEY, "DATABASE_URL": url},
        input=path.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["unchanged"] == 20
    assert memberships(url) == expected


# What may be wrong with a row, as its field and the value there; "*": every interest.
BAD = {
    "no id": ("_id", ""),
    "a space in the id": ("_id", "a b"),
    "a long id": ("_id", "x" * 65),
    "an id again": ("_id", "user-0"),
    "no city": ("city", " "),
    "a city of dashes": ("city", "---"),
    "a long city": ("city", "x" * 81),
    "NUL in the city": ("city", "Vi\x00go"),
    "bytes that are no UTF-8": ("city", "Vi\udcffgo"),
    "an unknown country": ("country", "ZZ"),
    "maybe for a tick": ("surf", "maybe"),
    "nothing ticked": ("*", ""),
}


def spoil(rows: list[dict[str, Any]], number: int) -> dict[int, str]:
    """Make so many rows bad, each kind in turn; the field that is bad of each by its line."""
    kinds = itertools.cycle(BAD.values())
    step = (len(rows) - 1) // number
    spoilt = {}
    for place, (field, value) in zip(range(1, 1 + number * step, step), kinds, strict=False):
        if field == "*":
            rows[place] |= dict.fromkeys(rows[place].keys() - {"_id", "city", "country"}, value)
        else:
            rows[place][field] = value
        spoilt[place + 2] = "interests" if field == "*" else field
    return spoilt


def test_of_20_000_rows_with_1_000_bad_ones_19_000_land_and_the_others_are_named(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = users(model, 20_000)
    expected = spoil(rows, 1_000)
    assert len(expected) == 1_000
    path = write(tmp_path / "users.csv", rows, errors="surrogateescape")
    dry = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=url)
    forecast = json.loads(dry.stdout)
    told = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert {int(row["line"]): row["field"] for row in told} == expected
    assert all(row["reason"] for row in told)
    sql = sql_on(url)
    assert sql("SELECT count(*) FROM memberships") == [(0,)]
    counts = imported(url, path)
    assert list(csv.DictReader((tmp_path / "users.rejects.csv").open())) == told
    assert (counts["placed"], counts["rejected"]) == (19_000, 1_000)
    assert sql("SELECT count(*) FROM memberships") == [(19_000,)]
    assert {name: forecast[name] for name in counts} == counts
    ((rooms, alone),) = sql(
        "SELECT count(*), count(*) FILTER (WHERE n = 1) FROM"
        " (SELECT count(*) AS n FROM memberships GROUP BY room_id) AS rooms"
    )
    assert (forecast["rooms"], forecast["alone"]) == (rooms, alone)
    assert list(forecast["unresolved"]) == ["Vila d'Enlloc"]


def test_a_row_of_too_few_cells_and_a_file_of_bad_rows_only_are_told(
    url: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text("_id,city,surf\nonly,two\n\nu1,Vigo,0\n")
    assert imported(url, path) == {
        "read": 2,
        "placed": 0,
        "unchanged": 0,
        "rejected": 2,
        "moved": 0,
        "rooms_created": 0,
    }
    told = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert [(row["line"], row["_id"], row["field"]) for row in told] == [
        ("2", "only", ""),
        ("4", "u1", "interests"),
    ]


def test_keys_of_any_letters_are_stored_as_they_are(url: str, tmp_path: Path) -> None:
    keys = sorted(["surf", 'say "hi"', "back\\slash", "{braces}", "¡ñandú!", "NULL", "tab\\t"])
    path = write(
        tmp_path / "users.csv",
        [{"_id": "u1", "city": "Vigo", "interests": json.dumps(keys)}],
    )
    imported(url, path)
    assert sql_on(url)("SELECT interests FROM memberships") == [(keys,)]
    wide = write(tmp_path / "wide.csv", [{"_id": "u1", "city": "Vigo"} | dict.fromkeys(keys, "1")])
    assert imported(url, wide)["unchanged"] == 1


def test_a_new_model_makes_no_room_for_those_who_stay(
    url: str, tmp_path: Path, model: Model
) -> None:
    path = write(tmp_path / "users.csv", users(model, 40))
    imported(url, path)
    sql = sql_on(url)
    # As though another model had placed them: all in the rooms of one cluster.
    sql(
        "INSERT INTO rooms (city_id, cluster_id) SELECT DISTINCT city_id, 1 FROM rooms"
        " ON CONFLICT DO NOTHING"
    )
    sql(
        "UPDATE memberships SET room_id = rooms.id FROM rooms"
        " WHERE rooms.city_id = memberships.city_id AND rooms.cluster_id = 1"
    )
    sql("DELETE FROM rooms WHERE cluster_id <> 1")
    counts = imported(url, path)
    assert (counts["unchanged"], counts["rooms_created"]) == (40, 0)
    assert sql("SELECT DISTINCT cluster_id FROM rooms") == [(1,)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "_id"),
        ("name,city,surf\n", "_id"),
        ("_id,surf\n", "city"),
        ("_id,city\n", "interest"),
    ],
)
def test_a_file_of_another_kind_is_one_clear_line(
    url: str, tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    done = run_manage("users", "import", str(path), "--yes", DATABASE_URL=url)
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
    missing = run_manage("users", "import", str(tmp_path / "none.csv"), "--yes", DATABASE_URL=url)
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_what_is_exported_builds_the_same_user_base_in_another_database(
    url: str, server: Any, tmp_path: Path, model: Model
) -> None:
    imported(url, write(tmp_path / "users.csv", users(model, 60)))
    exported = run_manage("users", "export", DATABASE_URL=url).stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert len(rows) == 60
    (tmp_path / "back.csv").write_text(exported)
    assert imported(url, tmp_path / "back.csv")["unchanged"] == 60
    with server.database() as other:
        assert imported(other, tmp_path / "back.csv")["placed"] == 60
        assert memberships(other) == memberships(url)
    lines = run_manage("users", "export", "--jsonl", DATABASE_URL=url).stdout.splitlines()
    assert {json.loads(line)["_id"] for line in lines} == {row["_id"] for row in rows}


@pytest.mark.parametrize(("answer", "placed"), [(b"y\n", 20), (b"n\n", 0)])
def test_without_yes_it_asks_and_says_whom_and_which_rooms_it_touches(
    url: str, tmp_path: Path, model: Model, answer: bytes, placed: int
) -> None:
    path = write(tmp_path / "users.csv", users(model, 20))
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    asked = subprocess.run(
        [sys.executable, "manage.py", "users", "import", str(path)],
        cwd=ROOT,
        env={"PATH": "", "API_KEYS": KEY, "DATABASE_URL": url},
        stdin=terminal,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(keyboard)
    os.close(terminal)
    rooms = re.search(
        r"Place 20 users, 0 of them from another room, and make (\d+) rooms\?", asked.stderr
    )
    assert rooms, asked.stderr
    assert sql_on(url)("SELECT count(*) FROM memberships") == [(placed,)]
    assert sql_on(url)("SELECT count(*) FROM rooms") == [(int(rooms[1]) if placed else 0,)]
    assert asked.returncode == (0 if placed else 1)
