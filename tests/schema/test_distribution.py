"""`db distribute`: refused on a server without Citus; the rest needs TEST_CITUS_URL."""

import flask_migrate
import psycopg2
import pytest

from app.cli.migrations import create_migrating_app
from app.config import ROOT
from app.domain.schema.distribution import TABLES, Step
from app.infra.database import engine_options
from app.infra.orm import db
from app.services import services
from tests.support.citus_skips import SKIPS, SKIPS_WITH_WORKERS
from tests.support.databases import CitusServer, Server, migrate, settings_of, sql_on
from tests.support.manage import run_manage

COMMENTS = """
    SELECT pg_class.oid::regclass::text, objsubid, description
    FROM pg_description JOIN pg_class ON pg_class.oid = objoid
    WHERE classoid = 'pg_class'::regclass
      AND relnamespace::regnamespace::text IN ('public', 'analytics') ORDER BY 1, 2
"""
ADD_ROOM = """
    INSERT INTO rooms (city_id, cluster_id)
    SELECT (SELECT id FROM cities LIMIT 1), %(cluster)s RETURNING id
"""
ANALYZED = """
    SELECT DISTINCT result FROM run_command_on_placements(
        'cities', 'SELECT reltuples FROM pg_class WHERE oid = ''%s''::regclass'
    )
"""


def test_without_citus_it_fails_with_a_one_line_error(server: Server) -> None:
    if isinstance(server, CitusServer):
        pytest.skip("the server has Citus")
    with server.database() as url:
        for option in ("--dry-run", "--yes"):
            result = run_manage("db", "distribute", option, DATABASE_URL=url)
            assert (result.returncode, result.stdout) == (1, "")
            (line,) = result.stderr.splitlines()
            assert "Citus" in line


def test_members_are_sharded_after_the_tables_that_they_reference_are_replicated() -> None:
    steps = [Step(table, 0, "").statement for table in TABLES]
    assert "SELECT create_distributed_table('memberships', 'user_id')" in steps
    sharded = steps.index("SELECT create_distributed_table('memberships', 'user_id')")
    memberships = db.metadata.tables["memberships"]
    for key in memberships.foreign_keys:
        replicated = f"SELECT create_reference_table('{key.column.table.name}')"
        assert replicated in steps[:sharded]


def test_each_test_that_is_skipped_on_citus_exists() -> None:
    for name in SKIPS | SKIPS_WITH_WORKERS:
        file, _, test = name.partition("::")
        assert f"def {test.partition('[')[0]}" in (ROOT / file).read_text(), name


@pytest.fixture
def undistributed(server: Server) -> str:
    """The URL of a migrated database on a Citus cluster, with a city and a room."""
    if not isinstance(server, CitusServer):
        pytest.skip("needs TEST_CITUS_URL")
    url = server.create()
    migrate(url, with_gazetteer=False)
    sql = sql_on(url)
    sql("INSERT INTO cities (id, name, name_key, listed) VALUES (1, 'Here', 'here', true)")
    sql(ADD_ROOM, {"cluster": 1})
    return url


def test_distribution_keeps_rows_comments_and_identities(undistributed: str) -> None:
    sql = sql_on(undistributed)
    comments = sql(COMMENTS)
    done = run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed)
    assert done.returncode == 0, done.stderr
    assert sql(COMMENTS) == comments
    assert sql(ADD_ROOM, {"cluster": 2}) == [(2,)]
    assert sql(ANALYZED) == [("1",)]
    assert sql("SELECT partmethod::text FROM pg_dist_partition ORDER BY 1") == [
        ("h",),
        *[("n",)] * (len(TABLES) - 1),
    ]
    again = run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed)
    assert "Everything is distributed." in again.stderr


def test_a_rerun_distributes_the_other_tables_and_removes_all_old_rows(undistributed: str) -> None:
    connection = psycopg2.connect(undistributed)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL citus.enable_local_reference_table_foreign_keys = off")
        cursor.execute(Step("cities", 0, "").statement)
    connection.close()
    planned = run_manage("db", "distribute", "--dry-run", DATABASE_URL=undistributed).stdout
    assert [line for line in planned.splitlines() if "old rows" in line][0].startswith("cities")
    assert run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed).returncode == 0
    sql = sql_on(undistributed)
    assert sql("SELECT count(*), sum(pg_relation_size(logicalrelid)) FROM pg_dist_partition") == [
        (len(TABLES), 0)
    ]
    assert sql("SELECT name FROM cities") == [("Here",)]


def test_it_refuses_while_the_service_is_connected(undistributed: str) -> None:
    connect = engine_options(1)["connect_args"]
    service = psycopg2.connect(undistributed, application_name=connect["application_name"])
    refused = run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "stop the web" in line
    service.close()
    assert run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed).returncode == 0


def test_sessions_between_the_nodes_give_up_waiting_for_locks_like_the_service(
    undistributed: str,
) -> None:
    assert run_manage("db", "distribute", "--yes", DATABASE_URL=undistributed).returncode == 0
    sql = sql_on(undistributed)
    shown = sql("SELECT DISTINCT result FROM run_command_on_all_nodes('SHOW lock_timeout')")
    assert shown == [("3s",)]
    assert sql("SELECT is_grouped FROM join_settings") == [(False,)]


def test_migrations_can_be_reverted_and_repeated_where_the_tables_are_distributed(
    server: Server,
) -> None:
    if not isinstance(server, CitusServer):
        pytest.skip("needs TEST_CITUS_URL")
    with server.database() as url:
        sql = sql_on(url)
        cities = sql("SELECT count(*) FROM cities")
        with create_migrating_app(settings_of(url)).app_context():
            flask_migrate.downgrade(revision="0016")
            flask_migrate.upgrade()
            services().database.close()
        # Tables that migrations create are distributed by a rerun.
        assert run_manage("db", "distribute", "--yes", DATABASE_URL=url).returncode == 0
        assert sql("SELECT count(*) FROM pg_dist_partition") == [(len(TABLES),)]
        assert sql("SELECT count(*) FROM cities") == cities
