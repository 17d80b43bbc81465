"""`analysts grant --schema`: a schema in which an analyst's tools create tables and views."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy.engine import make_url

from tests.support.analysts import Analyst, url_of
from tests.support.databases import Sql, sql_on
from tests.support.manage import Manage

SCHEMA_EXISTS = "SELECT 1 FROM pg_namespace WHERE nspname = 'Own-models'"
SCHEMA = "Own-models"  # to be quoted
Grant = Callable[..., dict[str, Any]]


@pytest.fixture
def owner(owned: tuple[str, str]) -> Sql:
    return sql_on(owned[0])


@pytest.fixture
def grant(as_owner: Manage, role: str) -> Iterator[Grant]:
    """Grant the role its schema; at the end both are dropped."""

    def run(*options: str) -> dict[str, Any]:
        done = as_owner("analysts", "grant", role, "--yes", "--json", *options)
        assert done.returncode == 0, done.stderr
        granted: dict[str, Any] = json.loads(done.stdout)
        return granted

    yield run
    as_owner("analysts", "revoke", role, "--yes", "--drop-schema")


def test_an_analyst_creates_tables_and_views_there_and_nowhere_else(
    as_owner: Manage, grant: Grant, owner: Sql, role: str
) -> None:
    planned = as_owner("analysts", "grant", role, "--schema", SCHEMA, "--dry-run")
    assert f"a new schema {SCHEMA}" in planned.stdout
    assert owner(SCHEMA_EXISTS) == []
    granted = grant("--schema", SCHEMA)
    assert granted["schema"] == SCHEMA
    analyst = Analyst(granted["url"])
    analyst.query(
        "CREATE TABLE growth AS SELECT country, sum(joins) AS joins FROM daily_joins GROUP BY 1",
        f'CREATE VIEW "{SCHEMA}".again AS SELECT * FROM growth JOIN analytics.clusters ON true',
    )
    assert analyst.query("SELECT count(*) FROM growth")
    for statement in (
        "CREATE TABLE public.mine (n int)",
        "CREATE TABLE analytics.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA more",
        f'DROP SCHEMA "{SCHEMA}" CASCADE',
        f'ALTER SCHEMA "{SCHEMA}" RENAME TO public2',
        "TABLE public.memberships",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            analyst.query(statement)
    again = grant()
    assert (again["schema"], again["password"]) == (SCHEMA, None)
    assert analyst.query("SHOW search_path", "TABLE growth") is not None
    assert "create tables" in as_owner("analysts", "grant", role, "--yes").stdout


def test_revoking_drops_an_empty_schema(
    as_owner: Manage, grant: Grant, owner: Sql, role: str
) -> None:
    grant("--schema", SCHEMA)
    done = as_owner("analysts", "revoke", role, "--yes")
    assert (done.returncode, "dropped, with its schema" in done.stdout) == (0, True)
    assert owner(SCHEMA_EXISTS) == owner("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)) == []


def test_revoking_keeps_an_analysts_tables_unless_told_to_drop_them(
    as_owner: Manage, grant: Grant, owner: Sql, role: str
) -> None:
    analyst = Analyst(grant("--schema", SCHEMA)["url"])
    analyst.query("CREATE TABLE kept AS SELECT 1 AS n")
    planned = as_owner("analysts", "revoke", role, "--dry-run")
    assert f"{SCHEMA} and the 1 objects in it kept (--drop-schema" in planned.stdout
    with closing(psycopg2.connect(analyst.url)) as session:
        done = as_owner("analysts", "revoke", role, "--yes")
        assert (done.returncode, "unable to log in" in done.stdout) == (0, True), done.stderr
        with pytest.raises(psycopg2.OperationalError), session.cursor() as cursor:
            cursor.execute("TABLE kept")
    with pytest.raises(psycopg2.OperationalError):
        analyst.query("SELECT 1")
    for privilege in (
        f"has_schema_privilege('{role}', 'analytics', 'USAGE')",
        f"has_table_privilege('{role}', 'analytics.rooms', 'SELECT')",
    ):
        assert owner(f"SELECT {privilege}") == [(False,)]
    returned = grant()  # the analyst comes back, with another password
    assert Analyst(returned["url"]).query("TABLE kept") == [(1,)]
    assert returned["password"]

    planned = as_owner("analysts", "revoke", role, "--dry-run", "--drop-schema")
    assert f"dropped, with its schema {SCHEMA} and the 1 objects in it;" in planned.stdout
    assert owner(SCHEMA_EXISTS)
    assert as_owner("analysts", "revoke", role, "--yes", "--drop-schema").returncode == 0
    assert owner(SCHEMA_EXISTS) == []


def test_an_existing_role_gets_a_schema_and_keeps_its_tables_too(
    as_owner: Manage, grant: Grant, without_roles: Sql, owned: tuple[str, str], role: str
) -> None:
    without_roles(f"CREATE ROLE {role} LOGIN PASSWORD 'y'")
    granted = grant("--schema", SCHEMA)
    analyst = Analyst(url_of(owned[0], role, "y"))
    analyst.query(*granted["to_run"])
    analyst.query("CREATE TABLE kept AS SELECT * FROM clusters")
    revoked = as_owner("analysts", "revoke", role, "--yes")
    assert "without any right to the views, with its schema" in revoked.stdout
    with pytest.raises(errors.InsufficientPrivilege):
        analyst.query(f'TABLE "{SCHEMA}".kept')
    assert as_owner("analysts", "revoke", role, "--yes", "--drop-schema").returncode == 0
    assert without_roles(SCHEMA_EXISTS) == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("public", "cannot be"),
        ("analytics", "cannot be"),
        ("information_schema", "cannot be"),
        ("pg_mine", "cannot be"),
        ('x"; DROP TABLE rooms; --', "cannot be"),
        ("", "cannot be"),
        ("a" * 64, "cannot be"),
        ("elses", "exists and was not made for"),
        ("{owner}", "is a role"),
    ],
)
def test_a_schema_of_others_is_refused(
    as_owner: Manage, owned: tuple[str, str], role: str, schema: str, message: str
) -> None:
    owner = sql_on(owned[0])
    owner("CREATE SCHEMA IF NOT EXISTS elses")
    name = schema.format(owner=make_url(owned[0]).username)
    for option in ("--yes", "--dry-run"):
        refused = as_owner("analysts", "grant", role, option, "--schema", name)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1), refused.stderr
        assert message in refused.stderr
    owner("DROP SCHEMA elses")
    assert owner("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)) == []


def test_an_analyst_has_one_schema(as_owner: Manage, grant: Grant, role: str) -> None:
    grant("--schema", SCHEMA)
    refused = as_owner("analysts", "grant", role, "--yes", "--schema", "another")
    assert f"{role} already has the schema {SCHEMA}" in refused.stderr


def test_a_function_that_a_restored_backup_gave_to_the_owner_is_not_opened_again(
    as_owner: Manage, grant: Grant, owned: tuple[str, str], role: str
) -> None:
    Analyst(grant("--schema", SCHEMA)["url"]).query(
        "CREATE FUNCTION people() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql"
        " AS 'BEGIN RETURN (SELECT count(*) FROM public.memberships); END'"
    )
    sql_on(owned[1])(f'ALTER FUNCTION "{SCHEMA}".people() OWNER TO CURRENT_USER')
    refused = as_owner("analysts", "grant", role, "--yes")
    assert f"{SCHEMA}.people does not belong to {role}" in refused.stderr


def test_no_command_looks_into_an_analysts_schema(owner: Sql, grant: Grant) -> None:
    grant("--schema", SCHEMA)
    assert owner("SELECT current_schemas(true)") == [(["pg_catalog", "public"],)]
