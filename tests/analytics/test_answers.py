"""Each question's answer on the demo population is right, up to what its paragraph says."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from app.domain.analytics import queries
from app.domain.analytics.queries import find_question, questions
from tests.support.analysts import database_on
from tests.support.databases import DELETE_ALL, DEMO_UNTIL, Server, Sql
from tests.support.manage import run_manage
from tests.support.truth import BASE, Rows, differences
from tests.support.truths_of_people import TRUTHS as TRUTHS_OF_PEOPLE
from tests.support.truths_of_rooms import TRUTHS as TRUTHS_OF_ROOMS

TRUTHS = TRUTHS_OF_PEOPLE | TRUTHS_OF_ROOMS
NAMES = [question.name for question in questions()]
Run = Callable[..., Rows]


@pytest.fixture
def run(server: Server) -> Run:
    """Run statements on the demo population in a transaction that is rolled back."""

    def run(*statements: str) -> Rows:
        with (
            closing(psycopg2.connect(server.demo())) as connection,
            connection.cursor(cursor_factory=RealDictCursor) as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return [dict(row) for row in cursor.fetchall()]

    return run


def truth_of(run: Run, sql: str) -> Rows:
    until = f"'{DEMO_UNTIL + timedelta(days=1)}'"
    return run(BASE.replace("%(until)s", until) + sql.replace("%(until)s", until))


def answer_of(run: Run, name: str, *before: str) -> Rows:
    return run(*before, find_question(name).sql)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_that_of_the_base_tables(run: Run, name: str) -> None:
    truth = TRUTHS[name]
    answer = answer_of(run, name, *filter(None, [truth.given]))
    assert not differences(truth, answer, truth_of(run, truth.sql))


def test_every_question_says_how_exact_its_answer_is() -> None:
    assert sorted(TRUTHS) == NAMES
    for question in questions():
        assert "within" in question.about or "exact" in question.about, question.name
        assert not question.sql.endswith(";"), question.name


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_the_same_in_every_time_zone_and_in_a_subquery(run: Run, name: str) -> None:
    sql = find_question(name).sql
    answers = [
        run(f"SET LOCAL timezone = '{zone}'", f"SELECT * FROM ({sql}) AS answer")
        for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles")
    ]
    assert answers[0] == answers[1] == answers[2]


ALL = "SELECT count(*) FROM memberships"
ERASED = "SELECT sum(members) FROM deletions"
TOTALS = (
    ("daily_joins", "joins", ALL, 365),
    ("weekly_joins", "joins", f"{ALL} WHERE created_at < '2025-06-30'", 52),
    ("monthly_joins", "joins", f"SELECT ({ALL}) + ({ERASED})", 12),
    ("rooms", "members", ALL, 1),
    ("cities", "members_from_here", ALL, 3),
    ("cities", "members_in_rooms", ALL, 3),
    ("clusters", "members", ALL, 1),
    ("room_sizes", "members", ALL, 7),
    ("moves", "members", f"{ALL} WHERE previous_room_id IS NOT NULL", 12),
    ("deletions", "members", ERASED, 12),
    ("cohort_deletions", "members", ERASED, 12),
)


@pytest.mark.parametrize(("view", "column", "sql", "groups"), TOTALS)
def test_the_rows_of_a_view_add_up(
    demo: Sql, view: str, column: str, sql: str, groups: int
) -> None:
    ((total, rows),) = demo(f"SELECT sum({column}), count({column}) FROM analytics.{view}")
    ((true,),) = demo(sql)
    # Each row is rounded to a multiple of 5, and in each group under 5 people may be left out.
    assert abs(total - true) <= 2 * rows + 4 * groups
    assert abs(total - true) <= max(0.06 * float(true), 4 * groups)


def test_growth_is_not_lost_in_small_groups(run: Run, demo: Sql) -> None:
    joins = sum(r["joins"] for r in answer_of(run, "growth-by-country") if r["country"] == "MX")
    true = sum(r["n"] for r in truth_of(run, "SELECT n FROM joined WHERE country = 'MX'"))
    assert abs(joins - true) < 0.1 * float(true)
    ((joins,),) = demo(
        "SELECT sum(joins) FROM analytics.monthly_joins WHERE country = 'ES' AND cluster = 3"
    )
    ((true,),) = demo(
        "SELECT count(*) FROM memberships JOIN cities ON cities.id = memberships.city_id"
        " JOIN rooms ON rooms.id = room_id WHERE country_code = 'ES' AND cluster_id = 3"
    )
    assert abs(joins - true) < 0.05 * float(true)


def test_clusters_that_do_not_grow_are_flat(run: Run) -> None:
    shares: dict[str, list[float]] = {}
    for row in answer_of(run, "growth-by-cluster"):
        shares.setdefault(row["cluster"], []).append(float(row["percent"]))
    true_shares: dict[str, list[float]] = {}
    for row in truth_of(run, TRUTHS["growth-by-cluster"].sql + " ORDER BY month"):
        true_shares.setdefault(row["cluster"], []).append(float(row["percent"]))
    assert shares.keys() == true_shares.keys()
    for cluster, percents in shares.items():
        slope, true_slope = (p[-1] - p[0] for p in (percents, true_shares[cluster]))
        assert abs(slope - true_slope) < 3, cluster


def test_living_rooms_are_not_called_dead(run: Run) -> None:
    def alive(rows: Rows) -> float:
        shown: list[dict[str, Any]] = [row for row in rows if row["rooms_joined"] is not None]
        return sum(r["rooms_joined"] for r in shown) / sum(r["rooms"] for r in shown)

    true = alive(truth_of(run, TRUTHS["room-retention"].sql))
    assert abs(alive(answer_of(run, "room-retention")) - true) < 0.05


def test_cities_that_nobody_reached_are_shown(run: Run) -> None:
    sql = find_question("reach-by-city").sql.removesuffix("LIMIT 20")
    truth = truth_of(run, TRUTHS["reach-by-city"].sql)
    assert any(row["members_from_here"] == 0 for row in truth)
    name = ("city", "region", "country")
    assert {tuple(row[key] for key in name) for row in run(sql)} == {
        tuple(row[key] for key in name) for row in truth
    }


def test_a_demo_that_was_removed_and_created_again_gives_the_same_answers(
    sql: Sql, database_url: str
) -> None:
    sql(DELETE_ALL)
    sql("INSERT INTO deletions VALUES ('2025-06-01', '2025-05-01', 'ES', 1, 6)")
    database = database_on(database_url)

    def run_demo(*arguments: str) -> None:
        done = run_manage("demo", *arguments, "--yes", DATABASE_URL=database_url, APP_ENV="testing")
        assert done.returncode == 0, done.stderr

    def answers() -> dict[str, Any]:
        run_demo("--users", "2000", "--until", str(DEMO_UNTIL))
        results = {question.name: queries.run(database, question) for question in questions()}
        return {
            name: [
                [
                    cell
                    for column, cell in zip(result.columns, row, strict=True)
                    if column != "room_id"
                ]
                for row in result.rows
            ]
            for name, result in results.items()
        }

    first = answers()
    run_demo("--remove")
    for left in ("memberships", "rooms", "room_redirects", "cities WHERE NOT listed OR hub_id > 0"):
        assert sql(f"SELECT count(*) FROM {left}") == [(0,)]
    # The erasures of others stay.
    assert sql("SELECT sum(members), count(*) FROM deletions") == [(6, 1)]
    assert answers() == first
    database.engine.dispose()
    sql(DELETE_ALL)
