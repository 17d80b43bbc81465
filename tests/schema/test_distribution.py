"""`db distribute` on a server without Citus, and its statements for one with Citus."""

from app.domain.schema.distribution import Step
from app.infra.orm import db
from tests.support.manage import run_manage


def test_without_citus_it_fails_with_a_one_line_error(new_database: str) -> None:
    for option in ("--dry-run", "--yes"):
        result = run_manage("db", "distribute", option, DATABASE_URL=new_database)
        assert (result.returncode, result.stdout) == (1, "")
        (line,) = result.stderr.splitlines()
        assert "Citus" in line


def test_members_are_sharded_after_the_tables_that_they_reference_are_replicated() -> None:
    steps = [Step(table.name, 0, "").statement for table in db.metadata.sorted_tables]
    assert "SELECT create_distributed_table('memberships', 'user_id')" in steps
    sharded = steps.index("SELECT create_distributed_table('memberships', 'user_id')")
    memberships = db.metadata.tables["memberships"]
    for key in memberships.foreign_keys:
        replicated = f"SELECT create_reference_table('{key.column.table.name}')"
        assert replicated in steps[:sharded]
