"""Quotation marks and line breaks in the files of `users import`."""

import csv
import json
import tracemalloc
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from app.domain.imports.csv_reader import CsvReader
from app.domain.imports.interest_keys import InterestKeys
from app.domain.imports.row_parser import Reject
from model import artifact
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import run_manage
from tests.support.user_files import import_users, user_rows, write_csv

KEYS = InterestKeys(artifact.load().interests)
UNCLOSED = "a quotation mark is not closed in this line"
# The csv module reads so many characters of a quoted cell before it gives it up.
LOOK_AHEAD = 131_072


def read(text: str) -> tuple[list[str], list[tuple[int, str, str]], int]:
    """Read a file: return its users, its rejects (line, _id, reason) and its number of lines."""
    reader = CsvReader(text.splitlines(keepends=True), KEYS)
    rows = list(reader)
    rejects = [(row.line, row.user_id, row.reason) for row in rows if isinstance(row, Reject)]
    return [row.user_id for row in rows if not isinstance(row, Reject)], rejects, reader.lines


def rejects_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.with_suffix(".rejects.csv").open()))


def test_a_stray_quotation_mark_costs_one_user_of_3_000(
    new_database: str, tmp_path: Path, model: Model
) -> None:
    rows = user_rows(model, 3_000)
    for row in rows:
        row["city"] = "Vigo"
    path = write_csv(tmp_path / "users.csv", rows)
    lines = path.read_text().splitlines()
    lines[10] = lines[10].replace(",Vigo,", ',"Vigo,')
    path.write_text("\n".join(lines))
    done = run_manage("users", "import", str(path), "--dry-run", DATABASE_URL=new_database)
    assert "3,000 read = 2,999 would be placed + 0 unchanged + 1 rejected" in done.stdout
    rejects = rejects_of(path)
    assert rejects == [{"line": "11", "_id": "user-9", "field": "", "reason": UNCLOSED}]
    counts = import_users(new_database, path)
    assert (counts["lines"], counts["read"], counts["placed"]) == (3_000, 3_000, 2_999)
    assert rejects_of(path) == rejects
    assert sql_on(new_database)("SELECT count(*) FROM memberships") == [(2_999,)]


HEADER = "_id,city,about,interests\n"
# Texts between two valid rows: the users in them, and the rejected lines.
TEXTS = {
    "a mark before a cell": ('s1,"Vigo,x,surf\n', [], [2]),
    "a mark before the last cell": ('s1,Vigo,x,"surf\n', [], [2]),
    "a mark at the beginning of a line": ('"s1,Vigo,x,surf\n', [], [2]),
    "two marks in two lines": ('s1,"Vigo,x,surf\ns2,Vigo,"x,surf\n', [], [2, 3]),
    "a mark before a quoted cell": ('s1,"Vigo,x,surf\ns2,"Vigo",x,surf\n', ["s2"], [2]),
    "a mark before a cell with marks": ('s1,"Vigo,x,surf\ns2,Vigo,"a ""b""",surf\n', ["s2"], [2]),
    "a mark before a cell that ends in one": ('s1,"Vigo,x,surf\ns2,Vigo,5",surf\n', ["s2"], [2]),
    "a mark before a cell of two lines": ('s1,"Vigo,x,surf\ns2,Vigo,"a\nb",surf\n', ["s2"], [2]),
    "text after a quoted cell": ('s1,"Vi"go,x,surf\n', [], [2]),
    "marks inside a cell": ('s1,Vi"go",x,surf\n', ["s1"], []),
    "a cell of three lines": ('s1,Vigo,"a\n\nb",surf\n', ["s1"], []),
    "keys of two lines": ('s1,Vigo,x,"[""surf"",\n ""coffee""]"\n', ["s1"], []),
}


@pytest.mark.parametrize(("text", "users", "lines"), TEXTS.values(), ids=TEXTS)
def test_a_misplaced_mark_rejects_its_own_line_only(
    text: str, users: list[str], lines: list[int]
) -> None:
    first, last = "first,Vigo,x,surf\n", "last,Vigo,x,surf\n"
    placed, rejects, count = read(HEADER + text + first + last)
    assert placed == [*users, "first", "last"]
    assert [line for line, *_ in rejects] == lines
    assert count == text.count("\n") + 2


def test_blank_lines_are_no_rows() -> None:
    assert read(f"{HEADER}\n\na,Vigo,x,surf\n\nb,Vigo,x,surf") == (["a", "b"], [], 2)


def test_a_rejected_mark_in_the_last_line_is_reported_as_one() -> None:
    assert read(HEADER + 'a,Vigo,x,surf\nb,Vigo,x,"surf') == (["a"], [(3, "b", UNCLOSED)], 2)


def test_a_rejected_row_of_several_lines_names_them() -> None:
    placed, rejects, lines = read(HEADER + 'a,"Vi\ngo",x,surf\nb,Vigo,x,surf\n')
    assert placed == ["b"]
    ((line, user, reason),) = rejects
    assert (line, user, lines) == (2, "a", 3)
    assert reason.endswith("(the row spans lines 2 to 3)")


@pytest.mark.parametrize("column", [1, 2])
def test_what_a_user_typed_after_a_line_break_never_becomes_a_user(column: int) -> None:
    """Also where the row is rejected for another reason."""
    cells = ["attacker", "Vigo", "x", "surf"]
    cells[column] = '"x\nvictim,Madrid,x,surf\ny"'
    placed, rejects, _ = read(HEADER + ",".join(cells) + "\n" + ",".join(cells) + "\n")
    assert "victim" not in placed
    assert {user for _, user, _ in rejects} == {"attacker"}


def test_a_stray_mark_in_an_endless_file_takes_little_memory() -> None:
    def lines() -> Any:
        yield HEADER
        yield 's1,"Vigo,x,surf\n'
        number = 0
        while True:
            number += 1
            yield f"u{number},Vigo,x,surf\n"

    tracemalloc.start()
    try:
        (rejected, *users) = islice(CsvReader(lines(), KEYS), 1_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (rejected.line, rejected.user_id) == (2, "s1")
    assert users[-1].line == 1_001
    assert peak < 20 * LOOK_AHEAD


def test_rows_that_span_lines_are_told(new_database: str, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(HEADER + 'a,Vigo,"one\ntwo\nthree",surf\n\nb,Vigo,x,surf\nc,Vigo,x,\n')
    done = run_manage("users", "import", str(path), "--yes", DATABASE_URL=new_database)
    assert done.stdout.splitlines()[-2:] == [
        "5 lines = 3 rows + 2 further lines of rows with line breaks in quoted cells",
        "3 read = 2 placed + 0 unchanged + 1 rejected",
    ]
    dry = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=new_database)
    forecast = json.loads(dry.stdout)
    assert (forecast["lines"], forecast["read"]) == (5, 3)
