"""Texts that a spreadsheet would run, and ids that a command line would take for options."""

import csv
import io
import json
import os
import threading
from pathlib import Path

import pytest

from app.infra.csv_cells import escape, unescape
from tests.support.databases import sql_on
from tests.support.manage import run_manage
from tests.support.user_files import import_users, memberships

TEXTS = ("=1+1", "+34 600", "-5", "@SUM(A1)", "'=1", "''=1", "\t=1", "\r=1")
USERS = """_id,city,interests
-NxYz_1,-Fooville,surf
--u2,-Barville,"[""surf"",""=key""]"
u3,'-Barville,surf
u4,'s-Hertogenbosch,surf
"""


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_gets_an_apostrophe_and_is_read_back(text: str) -> None:
    assert escape(text) == f"'{text}"
    assert unescape(escape(text)) == text


@pytest.mark.parametrize("cell", ["", "'s-Gravenhage", "a=b", "'", "12", 5, -5, 1.5, None])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert escape(cell) == cell
    assert not isinstance(cell, str) or unescape(cell) == cell


@pytest.fixture
def url(new_database: str, tmp_path: Path) -> str:
    (tmp_path / "users.json").write_text(
        "".join(json.dumps(row) + "\n" for row in csv.DictReader(io.StringIO(USERS)))
    )
    assert import_users(new_database, tmp_path / "users.json")["placed"] == 4
    return new_database


def test_no_cell_of_an_export_in_csv_is_a_formula_and_one_in_json_lines_is_as_it_was_typed(
    url: str,
) -> None:
    exported = run_manage("users", "export", DATABASE_URL=url).stdout
    cells = [cell for row in csv.reader(io.StringIO(exported)) for cell in row]
    assert {"'-NxYz_1", "'--u2", "'-Fooville", "'-Barville"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    rooms = run_manage("rooms", "list", "--csv", DATABASE_URL=url).stdout
    assert ",'-Fooville," in rooms
    assert ",-Fooville," not in rooms
    lines = run_manage("users", "export", "--jsonl", DATABASE_URL=url).stdout.splitlines()
    assert {"-NxYz_1", "--u2"} <= {json.loads(line)["_id"] for line in lines}


@pytest.mark.parametrize("form", ["--csv", "--jsonl"])
def test_an_import_reads_both_exports_back(url: str, tmp_path: Path, form: str) -> None:
    expected = memberships(url)
    path = tmp_path / "exported"
    path.write_text(run_manage("users", "export", form, DATABASE_URL=url).stdout)
    counts = import_users(url, path)
    assert (counts["unchanged"], counts["rejected"]) == (4, 0)
    sql_on(url)("DELETE FROM memberships")
    assert import_users(url, path)["placed"] == 4
    assert memberships(url) == expected


def test_the_file_of_rejected_rows_has_no_formula(new_database: str, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("_id,city,surf\n=HYPERLINK(1),Vigo,1\n")
    assert import_users(new_database, path)["rejected"] == 1
    ((_, user_id, *_),) = list(csv.reader((tmp_path / "users.rejects.csv").open()))[1:]
    assert user_id == "'=HYPERLINK(1)"


@pytest.mark.parametrize("user_id", ["-NxYz_1", "--u2"])
def test_an_id_that_begins_with_a_hyphen_is_shown_and_forgotten(url: str, user_id: str) -> None:
    shown = run_manage("users", "show", user_id, "--json", DATABASE_URL=url)
    assert json.loads(shown.stdout)["_id"] == user_id
    for options in ((), ("--explain",)):
        assert user_id in run_manage("users", "show", *options, user_id, DATABASE_URL=url).stdout
    assert run_manage("users", "show", "--", user_id, DATABASE_URL=url).returncode == 0
    forget = ("users", "forget", user_id)
    assert run_manage(*forget, "--dry-run", DATABASE_URL=url).returncode == 0
    assert run_manage(*forget, "--yes", DATABASE_URL=url).returncode == 0
    assert run_manage("users", "show", user_id, DATABASE_URL=url).returncode == 1


def test_a_mistyped_option_beside_an_id_is_still_an_error(url: str) -> None:
    done = run_manage("users", "forget", "u3", "--yse", DATABASE_URL=url)
    assert done.returncode == 1
    assert "--yse" in done.stderr
    assert sql_on(url)("SELECT count(*) FROM memberships") == [(4,)]


def test_a_pipe_is_read_as_a_file_is(new_database: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("sep=;\n_id;city;surf\nu1;Vigo;x\n",))
    writer.start()
    counts = import_users(new_database, pipe, "--strict")
    writer.join()
    assert counts["placed"] == 1
