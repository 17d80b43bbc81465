"""Headings and keys of a file that the model does not know: told, and stored as they are."""

import csv
import json
from pathlib import Path

import pytest

from tests.support.databases import sql_on
from tests.support.manage import run_manage

USERS = """_id,city,treking,burgers,padel,chess
u1,Vigo,1,1,0,0
u2,Vigo,1,0,1,0
u3,Vigo,0,1,0,1
u4,Vigo,1,0,0,1
"""
NAMED = (
    "unknown interests, stored without effect: "
    "treking (3 users): did you mean trecking?; chess (2 users)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text(USERS)
    return path


def rejects_of(path: Path) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(path.with_suffix(".rejects.csv").open())
    return [(row["_id"], row["field"], row["reason"]) for row in rows]


def test_the_plan_and_the_import_name_every_unknown_key_its_users_and_a_near_key(
    new_database: str, path: Path
) -> None:
    command = ("users", "import", str(path))
    plan = run_manage(*command, "--dry-run", DATABASE_URL=new_database)
    assert NAMED in plan.stdout.splitlines()
    done = run_manage(*command, "--yes", DATABASE_URL=new_database)
    assert NAMED in done.stdout.splitlines()
    machine = json.loads(run_manage(*command, "--yes", "--json", DATABASE_URL=new_database).stdout)
    assert machine["unknown_interests"] == {
        "treking": {"users": 3, "did_you_mean": "trecking"},
        "chess": {"users": 2, "did_you_mean": None},
    }


def test_labels_are_their_keys_and_unknown_keys_are_stored_as_they_are(
    new_database: str, path: Path
) -> None:
    run_manage("users", "import", str(path), "--yes", DATABASE_URL=new_database)
    stored = dict(sql_on(new_database)("SELECT user_id, interests FROM memberships"))
    assert stored == {
        "u1": ["burguers", "treking"],
        "u2": ["paddle", "treking"],
        "u3": ["burguers", "chess"],
    }


def test_a_reason_names_what_was_selected_but_is_unknown(new_database: str, path: Path) -> None:
    path.write_text(USERS + "u5,Vigo,0,0,0,0\nu6,Vigo,0,perhaps,0,0\nu7,Vigo,0,1,0,rook\n")
    run_manage("users", "import", str(path), "--dry-run", DATABASE_URL=new_database)
    unknown, none, known_column, unknown_column = sorted(rejects_of(path))
    reason = "no selected interest is known to the model: chess, treking"
    assert unknown == ("u4", "interests", reason)
    assert none == ("u5", "interests", "no interest is selected")
    assert known_column == (
        "u6",
        "burgers",
        "must be 0, 1, true, false, yes, no, si or x",
    )
    assert unknown_column[:2] == ("u7", "chess")
    assert unknown_column[2].endswith(
        "the model knows no such interest: if it is none, remove the column"
    )


@pytest.mark.parametrize("options", [("--yes",), ("--dry-run",), ("--yes", "--json")])
def test_strict_stops_before_anybody_is_placed_and_reads_a_correct_file(
    new_database: str, path: Path, options: tuple[str, ...]
) -> None:
    command = ("users", "import", str(path), "--strict", *options)
    done = run_manage(*command, DATABASE_URL=new_database)
    assert (done.returncode, done.stdout) == (1, "")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: no user was placed: unknown interests: treking (3 users)")
    assert sql_on(new_database)("SELECT count(*) FROM memberships") == [(0,)]
    path.write_text("_id,city,interests\nu1,Vigo,trekking;Pádel\n")
    assert run_manage(*command, DATABASE_URL=new_database).returncode == 0


def test_many_unknown_keys_are_counted_and_all_are_in_the_json(
    new_database: str, path: Path
) -> None:
    keys = ";".join(f"own words {number}" for number in range(30))
    path.write_text(f"_id,city,interests\nu1,Vigo,surf;{keys}\n")
    plan = run_manage("users", "import", str(path), "--dry-run", DATABASE_URL=new_database)
    assert "; and 10 more: see --json" in plan.stdout
    machine = run_manage(
        "users", "import", str(path), "--dry-run", "--json", DATABASE_URL=new_database
    )
    assert len(json.loads(machine.stdout)["unknown_interests"]) == 30
