"""After a rollback the previous release runs on the newer schema."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import Server, sql_on
from tests.support.manage import run_manage
from tests.support.paths import ROOT
from tests.support.schema import dump
from tests.support.serving import Gunicorn

NEWER = "9999"


@pytest.fixture
def newer_database(new_database: str) -> str:
    """Return a database that a newer release has upgraded."""
    sql_on(new_database)("UPDATE alembic_version SET version_num = %s", (NEWER,))
    return new_database


def test_db_upgrade_on_a_newer_schema_warns_and_changes_nothing(
    newer_database: str,
) -> None:
    before = dump(newer_database)
    result = run_manage("db", "upgrade", DATABASE_URL=newer_database)
    assert (result.returncode, result.stdout) == (0, "")
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("Warning: ")
    assert NEWER in warning
    assert dump(newer_database) == before
    assert sql_on(newer_database)("SELECT version_num FROM alembic_version") == [(NEWER,)]


def test_make_run_serves_from_a_newer_schema(newer_database: str) -> None:
    environment = {"APP_ENV": "development", "DATABASE_URL": newer_database}
    server = Gunicorn(environment, [sys.executable, "-m", "app.cli.dev_server"])
    server.stop()
    assert NEWER in server.log.read_text()


@pytest.mark.parametrize("revision", ["0000", "ae1027a6acf", "99999", "next"])
def test_an_unknown_revision_that_is_not_newer_stays_an_error(
    new_database: str, revision: str
) -> None:
    sql_on(new_database)("UPDATE alembic_version SET version_num = %s", (revision,))
    result = run_manage("db", "upgrade", DATABASE_URL=new_database)
    assert result.returncode == 1
    assert revision in result.stderr


def test_a_newer_schema_cannot_be_upgraded_to_an_older_revision_by_name(
    newer_database: str,
) -> None:
    assert run_manage("db", "upgrade", "0006", DATABASE_URL=newer_database).returncode == 1


def test_the_other_commands_are_those_of_flask_migrate(new_database: str) -> None:
    assert run_manage("db", "check", DATABASE_URL=new_database).returncode == 0
    result = run_manage("db", "current", DATABASE_URL=new_database)
    assert result.stdout.strip().endswith("(head)")


def test_migrations_bypass_the_pooler(new_database: str) -> None:
    result = run_manage(
        *("db", "current"),
        DATABASE_URL="postgresql://pooler.invalid/none",
        DIRECT_DATABASE_URL=new_database,
    )
    assert result.returncode == 0, result.stderr


def test_an_upgrade_reports_an_unreachable_database_in_one_line(server: Server) -> None:
    result = run_manage("db", "upgrade", DATABASE_URL=server.url_of("missing"))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE rooms DROP COLUMN created_at;",
        "DROP TABLE rooms;",
        "ALTER TABLE rooms RENAME COLUMN created_at TO made_at;",
        "ALTER TABLE rooms ADD COLUMN topic text NOT NULL;",
        "ALTER TABLE rooms ALTER COLUMN created_at TYPE text;",
        "CREATE INDEX ix_rooms_created_at ON rooms (created_at);",
    ],
)
def test_the_lint_refuses_statements_that_break_or_block_the_previous_release(
    statement: str,
) -> None:
    assert squawk(statement).returncode == 1, statement


def test_the_lint_accepts_additions() -> None:
    result = squawk(
        "ALTER TABLE rooms ADD COLUMN topic text; COMMENT ON COLUMN rooms.topic IS 'x';"
    )
    assert result.returncode == 0, result.stdout


def squawk(sql: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "squawk"
    return subprocess.run(
        [program], cwd=ROOT, input=sql, capture_output=True, text=True, timeout=30, check=False
    )
