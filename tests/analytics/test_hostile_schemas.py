"""Attempts of a role to learn about one person, or to do harm, from a schema of its own."""

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from tests.analytics.test_hostile_analysts import TABLE_NAMES
from tests.support.analysts import granted_role
from tests.support.databases import Server, Sql

# The planner evaluates a cheap condition first, where it may.
SPY = """
    CREATE FUNCTION own.spy(text) RETURNS bool COST 0.0001 LANGUAGE plpgsql
    AS $$ BEGIN RAISE NOTICE '%', coalesce($1, 'None'); RETURN true; END $$;
    CREATE FUNCTION own.spy(text, text) RETURNS bool COST 0.0001 LANGUAGE plpgsql
    AS $$ BEGIN RETURN own.spy($1); END $$;
    CREATE OPERATOR own.=== (FUNCTION = own.spy, LEFTARG = text, RIGHTARG = text)
"""
# Names that the definitions of views use.
SHADOWS = """
    CREATE FUNCTION own.round(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';
    CREATE FUNCTION own.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT to_timestamp(0)';
    CREATE FUNCTION own.no(bigint, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR own.>= (FUNCTION = own.no, LEFTARG = bigint, RIGHTARG = int);
    CREATE AGGREGATE own.count(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '1000')
"""
CONTENT = "SELECT md5(string_agg(v::text, ',' ORDER BY v::text)) FROM analytics.{} AS v"


@pytest.fixture(scope="module")
def url(server: Server, demo_url: str) -> Iterator[str]:
    """The URL of an analyst of the demo population, with the schema `own`."""
    with granted_role(server, demo_url, "own") as (url, _):
        yield url


@pytest.fixture
def session(url: str) -> Iterator[Any]:
    """A session of that role, whose changes are rolled back."""
    with closing(psycopg2.connect(url)) as session:
        yield session


def test_a_function_sees_no_hidden_row(session: Any, demo: Sql) -> None:
    columns = demo(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'analytics' ORDER BY 1, ordinal_position"
    )
    assert columns
    with session.cursor() as cursor:
        cursor.execute(SPY)
        for view, column in columns:
            cursor.execute(f"SELECT DISTINCT {column}::text FROM analytics.{view}")
            shown = {str(value) for (value,) in cursor.fetchall()}
            for condition in (f"own.spy({column}::text)", f"{column}::text OPERATOR(own.===) ''"):
                session.notices = deque()  # a list keeps 50 notices
                cursor.execute(f"SELECT count(*) FROM analytics.{view} WHERE {condition}")
                seen = {text.partition(":  ")[2].rstrip("\n") for text in session.notices}
                assert seen <= shown, (view, column)
                assert seen or not shown


def test_tables_functions_and_operators_change_no_view(session: Any, demo: Sql) -> None:
    views = [name for (name,) in demo("SELECT viewname FROM pg_views WHERE schemaname='analytics'")]
    before = [demo(CONTENT.format(view)) for view in views]
    with session.cursor() as cursor:
        for name in {*views, *TABLE_NAMES}:
            cursor.execute(f"CREATE TABLE own.{name} (n int)")
        cursor.execute(SPY)
        cursor.execute(SHADOWS)
        for path in ("own, analytics, pg_catalog", "own, pg_catalog", "own"):
            cursor.execute(f"SET LOCAL search_path = {path}")
            for view, content in zip(views, before, strict=True):
                cursor.execute(CONTENT.format(view))
                assert cursor.fetchall() == content, view


def test_a_view_reads_no_table(session: Any) -> None:
    # PostgreSQL checks the rights of a view's owner when it is read, not when it is made.
    with session.cursor() as cursor:
        cursor.execute("CREATE VIEW own.people AS TABLE public.memberships")
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("TABLE own.people")


def test_the_schema_cannot_be_shared(session: Any) -> None:
    with session.cursor() as cursor:
        cursor.execute("GRANT USAGE ON SCHEMA own TO PUBLIC")  # only warns
        cursor.execute("SELECT has_schema_privilege('public', 'own', 'USAGE')")
        assert cursor.fetchall() == [(False,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own.r (id bigint REFERENCES public.rooms)",
        "CREATE TABLE own.r () INHERITS (public.rooms)",
        "CREATE TRIGGER t BEFORE INSERT ON public.rooms EXECUTE FUNCTION own.t()",
        "CREATE RULE r AS ON INSERT TO public.rooms DO INSTEAD NOTHING",
        "CREATE POLICY p ON public.rooms",
        "CREATE INDEX ON public.rooms (created_at)",
        "CREATE STATISTICS own.s ON city_id, cluster_id FROM public.rooms",
        "CREATE CAST (text AS integer) WITH INOUT AS IMPLICIT",
        "CREATE EXTENSION citext SCHEMA own",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION own.t()",
        "CREATE FUNCTION own.f() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
        "CREATE TEMPORARY TABLE fill (n int)",
        "ALTER DATABASE {database} SET search_path = own",
        "ALTER ROLE {owner} SET search_path = own",
        "ALTER SCHEMA own RENAME TO {owner}",
        "ALTER SCHEMA own OWNER TO CURRENT_USER",
        "COMMENT ON SCHEMA own IS 'mine'",
        "DROP SCHEMA own",
        "CREATE SCHEMA more",
    ],
)
def test_no_statement_touches_the_service(session: Any, demo: Sql, statement: str) -> None:
    ((owner, database),) = demo("SELECT current_user, current_database()")
    with session.cursor() as cursor:
        cursor.execute("CREATE FUNCTION own.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'")
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute(statement.format(owner=owner, database=database))
