"""What docs/scale.md says is so."""

import re
import shlex

import psycopg2
from psycopg2.extensions import parse_dsn

from app.config import ROOT
from app.infra.database import engine_options
from tests.support.databases import past_pooler, sql_on
from tests.support.manage import run_manage
from tests.support.pooler import CONFIGURATION

PAGE = (ROOT / "docs" / "scale.md").read_text()


def block(language: str) -> list[str]:
    """The lines of the page's one block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [str(line) for line in found.splitlines()]


def test_the_poolers_lines_are_those_that_the_suite_runs_through() -> None:
    for line in block("ini"):
        assert f"\n{line}\n" in CONFIGURATION


def test_a_role_altered_as_the_page_says_has_the_limits_that_the_service_asks_for(
    new_database: str,
) -> None:
    role = "role_behind_a_pooler"
    sql = sql_on(new_database)
    sql(f"CREATE ROLE {role} LOGIN PASSWORD 'only-here'")
    dsn = parse_dsn(past_pooler(new_database)) | {"user": role, "password": "only-here"}
    options = engine_options(1)["connect_args"]["options"]
    asked = dict(option.split("=", 1) for option in options.removeprefix("-c ").split(" -c "))

    def settings(**connect: str) -> list[tuple[str]]:
        connection = psycopg2.connect(**(dsn | connect))
        with connection.cursor() as cursor:
            cursor.execute("SELECT similarity('a', 'b')")  # loads what a setting belongs to
            shown = []
            for name in asked:
                cursor.execute(f"SHOW {name}")
                shown += cursor.fetchall()
        connection.close()
        return shown

    try:
        with psycopg2.connect(**dsn) as connection, connection.cursor() as cursor:
            for statement in block("sql"):
                cursor.execute(statement)
        connection.close()
        assert settings() == settings(options=options)
    finally:
        sql(f"DROP ROLE {role}")


def test_each_command_of_the_page_says_in_a_line_that_there_is_no_citus(new_database: str) -> None:
    for command in block("sh"):
        program, manage, *arguments = shlex.split(command)
        assert (program, manage) == ("python", "manage.py")
        done = run_manage(*arguments, DATABASE_URL=new_database)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "Citus" in done.stderr
