"""users import and export."""

import csv
import gzip
import io
import json
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Settings, with_driver
from model.predict import Model
from tests.cli.test_manage import ROOT, run_manage
from tests.conftest import KEY, sql_on
from tests.serving import until

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
    with path.open("w", newline="", encoding=form.pop("encoding", "utf-8")) as file:
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


def test_imported_users_are_where_the_service_would_put_them(
    url: str, tmp_path: Path, model: Model
) -> None:
    rows = users(model, 300)
    counts = imported(url, write(tmp_path / "users.csv", rows))
    assert (counts["read"], counts["placed"], counts["rejected"]) == (300, 300, 0)
    client = create_app(Settings(database_url=with_driver(url))).test_client()
    for row in rows[:40]:
        ticked = [key for key in model.interests if row[key]]
        answer = client.post(
            "/rooms",
            json={"_id": row["_id"], "city": row["city"], "country": "ES", "interests": ticked},
        ).json
        assert answer["joined"] is False
    again = imported(url, tmp_path / "users.csv")
    assert (again["placed"], again["unchanged"]) == (0, 300)
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


BAD = {
    "no id": ("_id", ""),
    "a space in the id": ("_id", "a b"),
    "a long id": ("_id", "x" * 65),
    "an id again": ("_id", "user-0"),
    "no city": ("city", " "),
    "a city of dashes": ("city", "---"),
    "a long city": ("city", "x" * 81),
    "NUL in the city": ("city", "Vi\x00go"),
    "an unknown country": ("country", "ZZ"),
    "maybe for a tick": ("surf", "maybe"),
    "nothing ticked": ("*", ""),
}


def test_bad_rows_are_named_and_good_rows_land(url: str, tmp_path: Path, model: Model) -> None:
    rows = users(model, 260)
    expected: dict[int, str] = {}
    for n, (field, value) in enumerate(BAD.values()):
        for row in rows[20 + n * 20 : 22 + n * 20]:
            if field == "*":
                row |= dict.fromkeys(model.interests, "0")
            else:
                row[field] = value
            expected[rows.index(row) + 2] = "interests" if field == "*" else field
    path = write(tmp_path / "users.csv", rows)
    lines = path.read_text().splitlines(keepends=True)
    lines[255] = "only,three,cells\n"
    expected[256] = ""
    path.write_bytes("".join(lines[:258]).encode() + b"user-x,Vi\xffgo,ES" + b",1" * 26 + b"\n")
    expected[259] = "city"
    dry = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=url)
    told = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert {int(row["line"]): row["field"] for row in told} == expected
    assert all(row["reason"] for row in told)
    assert sql_on(url)("SELECT count(*) FROM memberships") == [(0,)]
    forecast = json.loads(dry.stdout)
    counts = imported(url, path)
    assert counts["rejected"] == len(expected)
    assert (forecast["read"], forecast["placed"], forecast["rejected"]) == (
        counts["read"],
        counts["placed"],
        counts["rejected"],
    )
    ((rooms, alone),) = sql_on(url)(
        "SELECT count(*), count(*) FILTER (WHERE n = 1) FROM"
        " (SELECT count(*) AS n FROM memberships GROUP BY room_id) AS rooms"
    )
    assert (forecast["rooms"], forecast["alone"]) == (rooms, alone)
    assert list(forecast["unresolved"]) == ["Vila d'Enlloc"]
    again = list(csv.DictReader((tmp_path / "users.rejects.csv").open()))
    assert again == told


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


def test_an_import_that_is_killed_and_run_again_ends_like_one_that_was_not(
    url: str, server: Any, tmp_path: Path, model: Model
) -> None:
    path = write(tmp_path / "users.csv", users(model, 6_000))
    command = [sys.executable, "manage.py", "users", "import", str(path), "--yes"]
    environment = {"PATH": "", "API_KEYS": KEY, "DATABASE_URL": url}
    for landed in (1, 2_001):
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        landed_now = partial(sql_on(url), "SELECT count(*) FROM memberships")
        until(lambda enough=landed, now=landed_now: now()[0][0] >= enough)
        process.kill()
        process.wait()
    counts = imported(url, path)
    assert counts["read"] == 6_000
    assert counts["unchanged"] >= 2_000
    with server.database() as clean:
        imported(clean, path)
        assert memberships(clean) == memberships(url)


def test_what_is_exported_can_be_imported_again(
    url: str, server: Any, tmp_path: Path, model: Model
) -> None:
    imported(url, write(tmp_path / "users.csv", users(model, 60)))
    exported = run_manage("users", "export", DATABASE_URL=url).stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert len(rows) == 60
    (tmp_path / "back.csv").write_text(exported)
    assert imported(url, tmp_path / "back.csv")["unchanged"] == 60
    lines = run_manage("users", "export", "--jsonl", DATABASE_URL=url).stdout.splitlines()
    assert {json.loads(line)["_id"] for line in lines} == {row["_id"] for row in rows}
