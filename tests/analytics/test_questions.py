"""`analysts queries`: each query has a result on the demo population."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.analytics.chart import MAX_BARS
from app.domain.analytics.queries import DIRECTORY, find_question, questions
from tests.support.analysts import Analyst
from tests.support.databases import Sql
from tests.support.manage import Manage, run_manage

ZONES = ("Pacific/Auckland", "UTC", "America/Los_Angeles")
NAMES = [question.name for question in questions()]


@pytest.fixture
def run_queries(demo_url: str) -> Manage:
    """Run `manage.py analysts queries` on the demo population."""
    return lambda *arguments: run_manage("analysts", "queries", *arguments, DATABASE_URL=demo_url)


def test_the_questions_are_listed_with_their_titles(run_queries: Manage) -> None:
    listed = json.loads(run_queries("--json").stdout)
    assert [question["name"] for question in listed] == NAMES
    assert len(listed) >= 15
    assert all(question["title"].endswith("?") for question in listed)
    table = run_queries().stdout
    assert all(name in table for name in NAMES)
    assert len(list(csv.DictReader(io.StringIO(run_queries("--csv").stdout)))) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_analyst_gets_rows(analyst: Analyst, run_queries: Manage, name: str) -> None:
    # The whole file, as psql -f, Metabase and Dataclips run it.
    assert analyst.query((DIRECTORY / f"{name}.sql").read_text())
    rows = json.loads(run_queries(name, "--json").stdout)
    assert rows
    # No month of the demo is after the latest model, and a row 'other' has no region.
    columns = set(rows[0]) - {"percent_since", "region"}
    columns -= {"points"} if name == "effect-of-last-model" else set()
    assert all(any(row[column] is not None for row in rows) for column in columns)


@pytest.mark.parametrize("name", NAMES)
def test_a_question_runs_when_it_is_pasted_into_a_subquery_or_pandas(
    analyst: Analyst, run_queries: Manage, name: str
) -> None:
    printed = run_queries(name, "--sql").stdout
    columns = list(json.loads(run_queries(name, "--json").stdout)[0])
    # The comments at the beginning of the file may be copied too.
    file = (DIRECTORY / f"{name}.sql").read_text()
    for text in (printed, file.strip().removesuffix(";")):
        assert analyst.query(f"SELECT count(*) > 0 FROM ({text}) AS q") == [(True,)]
    engine = sqlalchemy.create_engine(psycopg2_url(analyst.url))
    assert list(pandas.read_sql(printed, engine).columns) == columns
    engine.dispose()


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_the_same_in_every_time_zone(analyst: Analyst, name: str) -> None:
    sql = find_question(name).sql
    with_zone = [
        [tuple(map(str, row)) for row in analyst.query(f"SET TIME ZONE '{zone}'", sql)]
        for zone in ZONES
    ]
    assert with_zone[0] == with_zone[1] == with_zone[2]


def test_every_view_is_the_same_in_every_time_zone(analyst: Analyst) -> None:
    views = "SELECT viewname FROM pg_views WHERE schemaname = 'analytics'"
    content = "SELECT md5(string_agg(v::text, ',' ORDER BY v::text)) FROM analytics.{} AS v"
    for (view,) in analyst.query(views):
        in_zones = {
            analyst.query(f"SET TIME ZONE '{zone}'", content.format(view))[0] for zone in ZONES
        }
        assert len(in_zones) == 1, view


def test_a_question_is_explained_and_its_sql_reads_no_table(demo: Sql) -> None:
    for question in questions():
        assert len(question.about) > 60, question.name
        assert "public." not in question.sql
        assert "analytics." in question.sql


def test_a_result_is_a_table_or_csv_or_json(run_queries: Manage) -> None:
    table = run_queries("growth-by-week").stdout.splitlines()
    assert table[0].split() == ["week", "joins", "total"]
    rows = list(csv.DictReader(io.StringIO(run_queries("growth-by-week", "--csv").stdout)))
    assert len(rows) == len(table) - 1
    assert json.loads(run_queries("growth-by-week", "--json").stdout)[-1] == {
        "week": rows[-1]["week"],
        "joins": int(rows[-1]["joins"]),
        "total": int(rows[-1]["total"]),
    }


def test_a_result_is_drawn(run_queries: Manage, tmp_path: Path) -> None:
    for name, file, prefix in (
        ("growth-by-cluster", "lines.png", b"\x89PNG"),
        ("where-to-open-next", "bars.svg", b"<?xml"),
    ):
        done = run_queries(name, "--plot", str(tmp_path / file), "--csv")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / file).read_bytes().startswith(prefix)
    drawn = (tmp_path / "bars.svg").read_bytes()
    run_queries("where-to-open-next", "--plot", str(tmp_path / "bars.svg"))
    assert (tmp_path / "bars.svg").read_bytes() == drawn


def test_what_a_picture_leaves_out_is_also_on_stderr(run_queries: Manage, tmp_path: Path) -> None:
    file = tmp_path / "bars.svg"
    done = run_queries("cluster-mix-by-city", "--plot", str(file), "--csv")
    rows = len(list(csv.DictReader(io.StringIO(done.stdout))))
    assert rows > MAX_BARS
    left_out = f"the first {MAX_BARS} of {rows} rows"
    assert f"The picture shows {left_out}" in done.stderr
    assert left_out in file.read_text()


def test_without_matplotlib_drawing_is_one_clear_line(
    run_queries: Manage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing a module that is None fails as if the package were not installed.
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.setitem(sys.modules, name, None)
    done = run_queries("growth-by-week", "--plot", str(tmp_path / "x.png"), "--json")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: drawing needs matplotlib: pip install -r requirements-dev.txt"
    ]
    assert json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("paint",),
        ("growth-by-week", "--csv", "--json"),
        ("--plot", "x.png"),
        ("--sql",),
        ("growth-by-week", "--sql", "--json"),
        ("no-question", "--sql"),
        ("growth-by-week", "--plot", "x.gif"),
        ("growth-by-week", "--plot", "/nowhere/x.png"),
    ],
)
def test_a_mistake_is_one_clear_line(run_queries: Manage, arguments: tuple[str, ...]) -> None:
    done = run_queries(*arguments)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_queries_of_an_empty_database_succeed(
    database_url: str, client: Callable[..., None]
) -> None:
    for name in NAMES:
        done = run_manage("analysts", "queries", name, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
