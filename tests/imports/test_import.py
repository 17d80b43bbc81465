"""`users import` and `users export`."""

import csv
import gzip
import io
import itertools
import json
import os
import pty
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
from tests.support.user_files import import_users, memberships, user_rows, write_csv


@pytest.fixture
def url(new_database: str) -> str:
    return new_database


def test_a_request_for_an_imported_user_returns_the_same_room_and_no_join(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = user_rows(model, 300)
    counts = import_users(url, write_csv(tmp_path / "users.csv", rows))
    assert (counts["read"], counts["placed"], counts["rejected"]) == (300, 300, 0)
    rooms = dict(sql_on(url)("SELECT user_id, room_id FROM memberships"))
    client = create_app(Settings(database_url=psycopg2_url(url))).test_client()
    for row in rows:
        interests = [key for key in model.interests if row[key]]
        response = client.post(
            "/rooms",
            json={"_id": row["_id"], "city": row["city"], "country": "ES", "interests": interests},
        ).json
        assert (response["room_id"], response["joined"]) == (rooms[row["_id"]], False)
    again = import_users(url, tmp_path / "users.csv")
    assert (again["placed"], again["unchanged"], again["rooms_created"]) == (0, 300, 0)
    assert sql_on(url)("SELECT count(*) FROM room_changes") == [(0,)]


def test_only_users_who_had_a_room_count_as_moved(url: str, tmp_path: Path, model: Model) -> None:
    rows = user_rows(model, 50)
    import_users(url, write_csv(tmp_path / "users.csv", rows))
    for row in rows[:10]:
        row["city"] = "Teruel"
    more = rows + [row | {"_id": f"new-{row['_id']}"} for row in rows[:5]]
    counts = import_users(url, write_csv(tmp_path / "users.csv", more))
    assert (counts["placed"], counts["moved"], counts["unchanged"]) == (15, 10, 40)
    changes = sql_on(url)("SELECT user_id, reason FROM room_changes ORDER BY user_id")
    assert changes == sorted((row["_id"], "import") for row in rows[:10])


def test_every_common_file_format_is_read(url: str, tmp_path: Path, model: Model) -> None:
    rows = user_rows(model, 20)
    import_users(url, write_csv(tmp_path / "plain.csv", rows))
    expected = memberships(url)
    semicolons = write_csv(tmp_path / "a.csv", rows, delimiter=";", encoding="utf-8-sig")
    assert import_users(url, semicolons)["unchanged"] == 20
    other_spellings = [
        {k: {"1": "true", "x": "SÍ", "": "no"}.get(v, v) for k, v in row.items()} for row in rows
    ]
    gzipped = tmp_path / "b.csv.gz"
    gzipped.write_bytes(gzip.compress(write_csv(tmp_path / "b.csv", other_spellings).read_bytes()))
    assert import_users(url, gzipped)["unchanged"] == 20
    listed = [
        {
            "user_id": row["_id"],
            "city": row["city"],
            "country": "es",
            "interests": "; ".join(key for key in model.interests if row[key]),
        }
        for row in rows
    ]
    path = write_csv(tmp_path / "c.csv", listed)
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


def test_areas_and_words_for_no_place_are_placed_and_survive_an_export(
    url: str, tmp_path: Path
) -> None:
    places = ["Spain", "España", "Andalusia", "Mallorca", "Remote", "Nomad", "Sevilla"]
    rows = [{"_id": f"u{n}", "city": place, "interests": "surf"} for n, place in enumerate(places)]
    path = write_csv(tmp_path / "users.csv", rows)
    dry = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=url)
    forecast = json.loads(dry.stdout)
    assert (forecast["in_areas"], forecast["unresolved"], forecast["rooms"]) == (6, {}, 5)
    assert set(forecast["areas"]) == set(places[:-1])
    assert import_users(url, path)["rooms_created"] == 5
    exported = tmp_path / "exported.csv"
    exported.write_text(run_manage("users", "export", DATABASE_URL=url).stdout)
    assert import_users(url, exported)["unchanged"] == 7
    kinds = [row["kind"] for row in csv.DictReader(exported.open())]
    assert sorted(kinds) == ["area"] * 4 + ["city"] + ["placeless"] * 2


# Faults of a row: the field and its invalid value; "*": every interest.
FAULTS = {
    "no id": ("_id", ""),
    "a space in the id": ("_id", "a b"),
    "a long id": ("_id", "x" * 65),
    "a duplicate id": ("_id", "user-0"),
    "no city": ("city", " "),
    "a city of dashes": ("city", "---"),
    "a long city": ("city", "x" * 81),
    "NUL in the city": ("city", "Vi\x00go"),
    "bytes that are not UTF-8": ("city", "Vi\udcffgo"),
    "an unknown country": ("country", "ZZ"),
    "maybe for a tick": ("surf", "maybe"),
    "no interest selected": ("*", ""),
}


def invalidate(rows: list[dict[str, Any]], number: int) -> dict[int, str]:
    """Make this many rows invalid, with each fault in turn; return the invalid field by line."""
    faults = itertools.cycle(FAULTS.values())
    step = (len(rows) - 1) // number
    fields = {}
    for index, (field, value) in zip(range(1, 1 + number * step, step), faults, strict=False):
        if field == "*":
            rows[index] |= dict.fromkeys(rows[index].keys() - {"_id", "city", "country"}, value)
        else:
            rows[index][field] = value
        fields[index + 2] = "interests" if field == "*" else field
    return fields


def test_of_20_000_rows_with_1_000_invalid_ones_19_000_are_placed_and_the_others_reported(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = user_rows(model, 20_000)
    expected = invalidate(rows, 1_000)
    assert len(expected) == 1_000
    path = write_csv(tmp_path / "users.csv", rows, errors="surrogateescape")
    dry = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=url)
    forecast = json.loads(dry.stdout)
    rejects = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert {int(row["line"]): row["field"] for row in rejects} == expected
    assert all(row["reason"] for row in rejects)
    sql = sql_on(url)
    assert sql("SELECT count(*) FROM memberships") == [(0,)]
    counts = import_users(url, path)
    assert list(csv.DictReader((tmp_path / "users.rejects.csv").open())) == rejects
    assert (counts["placed"], counts["rejected"]) == (19_000, 1_000)
    assert sql("SELECT count(*) FROM memberships") == [(19_000,)]
    assert {name: forecast[name] for name in counts} == counts
    ((rooms, alone),) = sql(
        "SELECT count(*), count(*) FILTER (WHERE n = 1) FROM"
        " (SELECT count(*) AS n FROM memberships GROUP BY room_id) AS rooms"
    )
    assert (forecast["rooms"], forecast["alone"]) == (rooms, alone)
    assert list(forecast["unresolved"]) == ["Vila d'Enlloc"]


def test_a_row_of_too_few_cells_is_reported_and_a_file_may_have_only_invalid_rows(
    url: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text("_id,city,surf\nonly,two\n\nu1,Vigo,0\n")
    assert import_users(url, path) == {
        "lines": 2,
        "read": 2,
        "placed": 0,
        "unchanged": 0,
        "rejected": 2,
        "moved": 0,
        "rooms_created": 0,
        "unknown_interests": {},
    }
    rejects = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert [(row["line"], row["_id"], row["field"]) for row in rejects] == [
        ("2", "only", ""),
        ("4", "u1", "interests"),
    ]


def test_keys_with_any_characters_are_stored_unchanged(url: str, tmp_path: Path) -> None:
    keys = sorted(["surf", 'say "hi"', "back\\slash", "{braces}", "¡ñandú!", "NULL", "tab\\t"])
    path = write_csv(
        tmp_path / "users.csv",
        [{"_id": "u1", "city": "Vigo", "interests": json.dumps(keys)}],
    )
    import_users(url, path)
    assert sql_on(url)("SELECT interests FROM memberships") == [(keys,)]
    wide = write_csv(
        tmp_path / "wide.csv", [{"_id": "u1", "city": "Vigo"} | dict.fromkeys(keys, "1")]
    )
    assert import_users(url, wide)["unchanged"] == 1


def test_a_new_model_creates_no_room_for_unchanged_users(
    url: str, tmp_path: Path, model: Model
) -> None:
    path = write_csv(tmp_path / "users.csv", user_rows(model, 40))
    import_users(url, path)
    sql = sql_on(url)
    # As if another model had placed them: all in the rooms of one cluster.
    sql(
        "INSERT INTO rooms (city_id, cluster_id) SELECT DISTINCT city_id, 1 FROM rooms"
        " ON CONFLICT DO NOTHING"
    )
    sql(
        "UPDATE memberships SET room_id = rooms.id FROM rooms"
        " WHERE rooms.city_id = memberships.city_id AND rooms.cluster_id = 1"
    )
    sql("DELETE FROM rooms WHERE cluster_id <> 1")
    counts = import_users(url, path)
    assert (counts["unchanged"], counts["rooms_created"]) == (40, 0)
    assert sql("SELECT DISTINCT cluster_id FROM rooms") == [(1,)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("name,city,surf\n", "_id"),
        ("_id,surf\n", "city"),
        ("_id,city\n", "interest"),
    ],
)
def test_a_file_without_the_columns_is_one_clear_line(
    url: str, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    done = run_manage("users", "import", str(path), "--yes", DATABASE_URL=url)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
    missing = run_manage("users", "import", str(tmp_path / "none.csv"), "--yes", DATABASE_URL=url)
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_an_export_imports_as_the_same_user_base_in_another_database(
    url: str, server: Any, tmp_path: Path, model: Model
) -> None:
    import_users(url, write_csv(tmp_path / "users.csv", user_rows(model, 60)))
    exported = run_manage("users", "export", DATABASE_URL=url).stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert len(rows) == 60
    (tmp_path / "export.csv").write_text(exported)
    assert import_users(url, tmp_path / "export.csv")["unchanged"] == 60
    with server.database() as other:
        assert import_users(other, tmp_path / "export.csv")["placed"] == 60
        assert memberships(other) == memberships(url)
    lines = run_manage("users", "export", "--jsonl", DATABASE_URL=url).stdout.splitlines()
    assert {json.loads(line)["_id"] for line in lines} == {row["_id"] for row in rows}


@pytest.mark.parametrize(("answer", "placed"), [(b"y\n", 20), (b"n\n", 0)])
def test_without_yes_a_prompt_shows_how_many_users_and_rooms_are_affected(
    url: str, tmp_path: Path, model: Model, answer: bytes, placed: int
) -> None:
    path = write_csv(tmp_path / "users.csv", user_rows(model, 20))
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    done = subprocess.run(
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
        r"Place 20 users, 0 of them from another room, and create (\d+) rooms\?", done.stderr
    )
    assert rooms, done.stderr
    assert sql_on(url)("SELECT count(*) FROM memberships") == [(placed,)]
    assert sql_on(url)("SELECT count(*) FROM rooms") == [(int(rooms[1]) if placed else 0,)]
    assert done.returncode == (0 if placed else 1)
