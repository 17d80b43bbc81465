"""Attempts of a granted role to learn about one person, or to do harm.

Each is made by a role that only reads, and by one with a schema of its own.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from app.config import ROOT
from app.domain.analytics.grants import Granted
from app.domain.schema import tables  # noqa: F401  (registers all tables)
from app.infra.orm import db
from tests.support.analysts import Analyst, granted_role, needs_superuser
from tests.support.databases import Server, Sql

REFUSED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)
TABLE_NAMES = sorted([*db.metadata.tables, "alembic_version"])
WRITABLE = "SET default_transaction_read_only = off"


@pytest.fixture(scope="module", params=[None, "hostile"])
def granted(
    server: Server, demo_url: str, request: pytest.FixtureRequest
) -> Iterator[tuple[str, Granted]]:
    """An analyst of the demo population: the role's URL, and the result of `grant`."""
    with granted_role(server, demo_url, request.param) as granted:
        yield granted


@pytest.fixture(scope="module")
def analyst(granted: tuple[str, Granted]) -> Analyst:
    """Sessions of that analyst's role."""
    return Analyst(granted[0])


@pytest.fixture
def nothing_changes(demo: Sql) -> Any:
    """Check that the test changes no row count and creates no object."""

    def state() -> Any:
        counts = [demo(f"SELECT count(*) FROM {name}") for name in TABLE_NAMES]
        objects = (
            demo("SELECT count(*), max(oid) FROM pg_class"),
            demo("SELECT count(*) FROM pg_proc"),
        )
        return counts, objects, demo("SELECT count(*) FROM pg_largeobject_metadata")

    before = state()
    yield
    assert state() == before


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_no_table_is_read(analyst: Analyst, table: str) -> None:
    for statement in (
        f"SELECT count(*) FROM public.{table}",
        f"TABLE public.{table}",
        f"SELECT query_to_xml('SELECT * FROM public.{table}', true, false, '')",
        f"LOCK TABLE public.{table} IN ACCESS SHARE MODE",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            analyst.query("BEGIN", statement)
    # Citus begins the answer before it refuses.
    with closing(psycopg2.connect(analyst.url)) as connection, connection.cursor() as cursor:
        copied = StringIO()
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.copy_expert(f"COPY public.{table} TO STDOUT", copied)
        assert copied.getvalue() == ""


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO memberships SELECT * FROM memberships",
        "DELETE FROM rooms",
        "UPDATE cities SET name = 'x'",
        "TRUNCATE room_changes",
        "DROP VIEW analytics.rooms",
        "ALTER VIEW analytics.rooms RENAME TO rooms2",
        "ALTER VIEW analytics.rooms RESET (security_barrier)",
        "CREATE OR REPLACE VIEW analytics.rooms AS SELECT 1",
        "COMMENT ON VIEW analytics.rooms IS 'mine'",
        "CREATE TABLE public.mine (n int)",
        "CREATE TABLE analytics.mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION dblink",
        "CREATE FUNCTION public.cheap(text) RETURNS bool COST 0.01 LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION pg_temp.cheap(text) RETURNS bool COST 0.01 LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR public.=== (PROCEDURE = texteq, LEFTARG = text, RIGHTARG = text)",
        "CREATE TEMPORARY TABLE fill AS SELECT generate_series(1, 10)",
        "CREATE TEMPORARY VIEW mine AS SELECT 1",
        "CREATE TEMPORARY SEQUENCE mine",
        "CREATE TRIGGER mine BEFORE INSERT ON memberships EXECUTE FUNCTION f()",
        "CREATE RULE mine AS ON SELECT TO rooms DO INSTEAD NOTHING",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "CREATE PUBLICATION mine FOR ALL TABLES",
        "VACUUM public.memberships",
        pytest.param("SELECT lo_create(0)", marks=needs_superuser),
        pytest.param("SELECT lo_from_bytea(0, 'fill')", marks=needs_superuser),
        pytest.param(
            "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000))",
            marks=needs_superuser,
        ),
        "SELECT nextval(pg_get_serial_sequence('rooms', 'id'))",
        "SELECT setval(pg_get_serial_sequence('public.rooms', 'id'), 1)",
        "SELECT setval('public.rooms_id_seq', 1)",
        "SELECT last_value FROM public.rooms_id_seq",
    ],
)
def test_nothing_is_written(analyst: Analyst, statement: str, nothing_changes: None) -> None:
    # VACUUM skips a table of another owner with a warning.
    if statement.startswith("VACUUM"):
        analyst.query(WRITABLE, statement)
        return
    with pytest.raises((*REFUSED, errors.UndefinedTable, errors.WrongObjectType)):
        analyst.query(WRITABLE, "SET search_path = public", statement)


def test_a_right_is_not_passed_on(analyst: Analyst, demo: Sql) -> None:
    analyst.query(WRITABLE, "GRANT SELECT ON analytics.rooms TO PUBLIC")
    assert (
        demo(
            "SELECT relname FROM pg_class, aclexplode(relacl) AS acl"
            " WHERE relnamespace = 'analytics'::regnamespace AND acl.grantee = 0"
        )
        == []
    )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT pg_read_binary_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT * FROM pg_ls_logdir()",
        "SELECT pg_stat_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(1, '/tmp/x')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_largeobject",
    ],
)
def test_no_file_and_no_secret_is_read(analyst: Analyst, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        analyst.query(WRITABLE, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "SET ROLE pg_read_all_data",
        "GRANT pg_read_all_data TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
        "ALTER ROLE {owner} PASSWORD 'x'",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "SET session_replication_role = replica",
        "SET temp_file_limit = -1",
        "SELECT pg_reload_conf()",
        "SELECT pg_terminate_backend({session})",
        "SELECT pg_cancel_backend({session})",
        "SELECT pg_create_physical_replication_slot('fill')",
        "SELECT pg_stat_reset()",
        "SELECT pg_switch_wal()",
    ],
)
def test_it_takes_no_other_role_and_ends_no_other_session(
    analyst: Analyst, demo_url: str, statement: str
) -> None:
    with closing(psycopg2.connect(demo_url)) as session:
        parameters = {"owner": session.info.user, "session": session.info.backend_pid}
        with pytest.raises(errors.InsufficientPrivilege):
            analyst.query(WRITABLE, statement.format(**parameters))


@needs_superuser
def test_no_lock_of_its_own_stops_a_command(analyst: Analyst) -> None:
    for mode in (
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE",
        "EXCLUSIVE",
        "ACCESS EXCLUSIVE",
    ):
        for name in ("analytics.rooms", "analytics.moves", "public.room_changes"):
            with pytest.raises(errors.InsufficientPrivilege):
                analyst.query(WRITABLE, "BEGIN", f"LOCK TABLE {name} IN {mode} MODE")
    for statement in (
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_advisory_xact_lock(1, 1)",
        "SELECT pg_try_advisory_lock_shared(1)",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            analyst.query(statement)


def test_no_command_takes_an_advisory_lock() -> None:
    # On platforms where every role may take them, a command must not wait for one.
    sources = [*(ROOT / "app").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    offenders = [
        file for file in sources if re.search(r"SELECT pg_(try_)?advisory", file.read_text())
    ]
    assert offenders == []


def test_no_process_listens_to_notifications(analyst: Analyst, demo: Sql) -> None:
    analyst.query("LISTEN changes", "NOTIFY changes, 'x'", "SELECT pg_notify('rooms', 'x')")
    assert demo("SELECT pg_notification_queue_usage() < 0.01") == [(True,)]
    assert not any("LISTEN " in file.read_text() for file in (ROOT / "app").rglob("*.py"))


def test_the_texts_of_others_queries_are_hidden(analyst: Analyst, demo_url: str) -> None:
    with closing(psycopg2.connect(demo_url)) as busy, busy.cursor() as cursor:
        cursor.execute("SELECT 'demo-000001' FROM memberships WHERE user_id = 'demo-000001'")
        seen = analyst.query("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        texts = [text for (text,) in seen if text]
        assert "<insufficient privilege>" in texts
        assert not any("demo-" in text for text in texts)
        assert (
            analyst.query(
                "SELECT pg_stat_get_backend_activity(n) FROM pg_stat_get_backend_idset() AS n"
                " WHERE pg_stat_get_backend_activity(n) LIKE '%memberships WHERE%'"
                "   AND pg_stat_get_backend_pid(n) <> pg_backend_pid()"
            )
            == []
        )


def test_the_statistics_of_the_tables_are_hidden(analyst: Analyst, demo: Sql) -> None:
    assert demo("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'memberships'") == [(True,)]
    for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
        assert analyst.query(f"SELECT * FROM {view} WHERE schemaname = 'public'") == []
    assert analyst.query("SELECT DISTINCT last_value FROM pg_sequences") == [(None,)]


@needs_superuser
def test_the_sixth_session_is_refused_and_the_limits_are_set(
    analyst: Analyst, granted: tuple[str, Granted]
) -> None:
    sessions = [psycopg2.connect(analyst.url) for _ in range(5)]
    try:
        with pytest.raises(psycopg2.OperationalError, match="too many connections"):
            psycopg2.connect(analyst.url)
        with sessions[0].cursor() as cursor:
            for name, value in (
                ("statement_timeout", "30s"),
                ("search_path", "hostile, analytics" if granted[1].schema else "analytics"),
                ("temp_file_limit", "1GB"),
                ("idle_in_transaction_session_timeout", "1min"),
            ):
                cursor.execute(f"SHOW {name}")
                assert cursor.fetchall() == [(value,)]
    finally:
        for session in sessions:
            session.close()
    assert granted[1].left_open == []
