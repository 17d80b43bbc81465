"""Runs the commands and the SQL of docs/scale.md."""

import re
import shlex

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from app.config import ROOT
from app.infra.database import engine_options
from tests.support.databases import CitusServer, Server, direct_url, sql_on
from tests.support.manage import run_manage
from tests.support.pooler import CONFIGURATION

PAGE = (ROOT / "docs" / "scale.md").read_text()


def block(language: str) -> list[str]:
    """Return the lines of the page's only block in a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [str(line) for line in text.splitlines()]


def test_the_tests_pooler_has_the_configuration_of_the_page() -> None:
    for line in block("ini"):
        assert f"\n{line}\n" in CONFIGURATION


def test_a_role_altered_by_the_pages_sql_has_the_services_timeouts(
    new_database: str,
) -> None:
    role = "role_behind_a_pooler"
    sql = sql_on(new_database)
    sql(f"CREATE ROLE {role} LOGIN PASSWORD 'only-here'")
    dsn = parse_dsn(direct_url(new_database)) | {"user": role, "password": "only-here"}
    options = engine_options(1)["connect_args"]["options"]
    expected = dict(option.split("=", 1) for option in options.removeprefix("-c ").split(" -c "))
    del expected["idle_session_timeout"]  # a pooler closes its idle connections itself

    def settings(**connect: str) -> list[tuple[str]]:
        connection = psycopg2.connect(**(dsn | connect))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT similarity('a', 'b')"
            )  # loads pg_trgm, which has one of the settings
            shown = []
            for name in expected:
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


def test_without_citus_each_command_of_the_page_prints_one_line(
    new_database: str, server: Server
) -> None:
    if isinstance(server, CitusServer):
        pytest.skip("the server has Citus")
    for command in block("sh"):
        program, manage, *arguments = shlex.split(command)
        assert (program, manage) == ("python", "manage.py")
        done = run_manage(*arguments, DATABASE_URL=new_database)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "Citus" in done.stderr
