"""What docs/analysts.md says is so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.analytics.grants import Granted
from app.domain.analytics.queries import questions
from tests.analytics.conftest import Analyst, analyst, demo_url, granted  # noqa: F401
from tests.support.analysts_page import PAGE, part, parts
from tests.support.databases import Server
from tests.support.manage import run_manage

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def generated(server: Server) -> Iterator[dict[str, str]]:
    engine = sqlalchemy.create_engine(psycopg2_url(server.demo()))
    yield parts(engine)
    engine.dispose()


def shape(text: str) -> str:
    """The same with the number of cells for a row of an answer: where a server sorts names in
    another way, others may stand first."""
    return re.sub(r"^\| .*(?<!---) \|$", lambda row: f"{row[0].count('|')} cells", text, flags=re.M)


@pytest.mark.parametrize("name", ["map", "dictionary"])
def test_the_map_and_the_dictionary_are_those_of_the_views(
    generated: dict[str, str], name: str
) -> None:
    assert part(TEXT, name) == generated[name], "run python -m tests.support.analysts_page"


def test_the_questions_and_the_shape_of_their_answers_are_todays(
    generated: dict[str, str],
) -> None:
    assert shape(part(TEXT, "questions")) == shape(generated["questions"]), (
        "run python -m tests.support.analysts_page"
    )


def test_every_other_query_of_the_page_gives_rows(analyst: Analyst) -> None:  # noqa: F811
    own = re.sub(r"<!-- questions -->.*", "", TEXT, flags=re.DOTALL)
    queries = re.findall(r"```sql\n(.*?)```", own, re.DOTALL)
    assert queries
    for query in queries:
        assert analyst.ask(query), query


def test_the_commands_of_the_page_run(demo_url: str, tmp_path: Path) -> None:  # noqa: F811
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert commands
    for command in commands:
        words = command.replace("growth.png", str(tmp_path / "growth.png")).split()
        assert words[:2] == ["python", "manage.py"], command
        arguments = [*words[2:], *(["--dry-run"] if words[3] in ("grant", "revoke") else [])]
        if words[2] == "demo":
            arguments.append("--dry-run")
        done = run_manage(*arguments, DATABASE_URL=demo_url, APP_ENV="testing")
        if words[3] == "revoke":  # nobody of that name was granted here
            assert "no role" in done.stderr
        else:
            assert done.returncode == 0, done.stderr
    listed = json.loads(run_manage("analysts", "queries", "--json", DATABASE_URL=demo_url).stdout)
    assert [asked["name"] for asked in listed] == [asked.name for asked in questions()]


def test_what_a_grant_leaves_open_is_explained(granted: tuple[str, Granted]) -> None:  # noqa: F811
    from tests.analytics.test_grants import KEPT

    assert set(re.findall(r"^\| ([a-z -]+) \| only a superuser", TEXT, re.MULTILINE)) == KEPT
