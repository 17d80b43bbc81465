"""`db distribute` on a server without Citus, and what it would do on one that has it."""

import app.domain.schema.tables  # noqa: F401 - fills the metadata
from app.domain.schema.distribution import Step
from app.infra.database import db
from tests.support.manage import run_manage


def test_without_citus_it_says_so_in_one_line_and_changes_nothing(new_database: str) -> None:
    for option in ("--dry-run", "--yes"):
        done = run_manage("db", "distribute", option, DATABASE_URL=new_database)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "Citus" in line


def test_members_are_dealt_out_and_all_they_point_at_is_whole_on_every_node() -> None:
    steps = [Step(table.name, 0, "").statement for table in db.metadata.sorted_tables]
    assert "SELECT create_distributed_table('memberships', 'user_id')" in steps
    dealt_out = steps.index("SELECT create_distributed_table('memberships', 'user_id')")
    memberships = db.metadata.tables["memberships"]
    for key in memberships.foreign_keys:
        whole = f"SELECT create_reference_table('{key.column.table.name}')"
        assert whole in steps[:dealt_out]
