"""docs/analysts.md is up to date, and its commands and queries run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.analytics.grants import Granted
from app.domain.analytics.queries import questions
from tests.support.analysts import LEFT_OPEN, Analyst
from tests.support.analysts_page import PAGE, find_section, generate_sections
from tests.support.databases import Server
from tests.support.manage import run_manage

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def generated(server: Server) -> Iterator[dict[str, str]]:
    engine = sqlalchemy.create_engine(psycopg2_url(server.demo()))
    yield generate_sections(engine)
    engine.dispose()


def shape(text: str) -> str:
    """Replace each row of a result by its number of cells: names sort differently by server, so
    other rows may be the first."""
    return re.sub(r"^\| .*(?<!---) \|$", lambda row: f"{row[0].count('|')} cells", text, flags=re.M)


@pytest.mark.parametrize("name", ["map", "dictionary"])
def test_the_map_and_the_dictionary_are_those_of_the_views(
    generated: dict[str, str], name: str
) -> None:
    assert find_section(TEXT, name) == generated[name], "run python -m tests.support.analysts_page"


def test_the_questions_and_the_shape_of_their_answers_are_up_to_date(
    generated: dict[str, str],
) -> None:
    assert shape(find_section(TEXT, "questions")) == shape(generated["questions"]), (
        "run python -m tests.support.analysts_page"
    )


def test_every_other_query_of_the_page_returns_rows(granted: tuple[str, Granted]) -> None:
    own = re.sub(r"<!-- questions -->.*", "", TEXT, flags=re.DOTALL)
    queries = re.findall(r"```sql\n(.*?)```", own, re.DOTALL)
    assert queries
    for query in queries:
        assert Analyst(granted[0]).query(query), query


def test_the_commands_of_the_page_run(server: Server, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert commands
    for command in commands:
        words = command.replace("growth.png", str(tmp_path / "growth.png")).split()
        assert words[:2] == ["python", "manage.py"], command
        arguments = [*words[2:], *(["--dry-run"] if words[3] in ("grant", "revoke") else [])]
        if words[2] == "demo":
            arguments.append("--dry-run")
        done = run_manage(*arguments, DATABASE_URL=server.demo(), APP_ENV="testing")
        if words[3] == "revoke":  # the role does not exist here
            assert "no role" in done.stderr
        else:
            assert done.returncode == 0, done.stderr
    listed = json.loads(
        run_manage("analysts", "queries", "--json", DATABASE_URL=server.demo()).stdout
    )
    assert [entry["name"] for entry in listed] == [question.name for question in questions()]


def test_what_a_grant_leaves_open_is_explained(granted: tuple[str, Granted]) -> None:
    assert set(re.findall(r"^\| ([a-z -]+) \| only a superuser", TEXT, re.MULTILINE)) == LEFT_OPEN
