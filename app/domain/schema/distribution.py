"""Distributes the database over the nodes of a Citus cluster.

`memberships` is only addressed by `user_id` or aggregated by room, so it is sharded by a hash of
`user_id`. Every other table becomes a reference table, replicated to all nodes. The same statements
run with and without Citus.
"""

from collections.abc import Callable
from dataclasses import dataclass

import app.domain.schema.tables  # noqa: F401 - fills the metadata
from app.infra.database import Database
from app.infra.orm import db

SHARDED_TABLE = "memberships"
SHARD_KEY = "user_id"
EXTENSION_STATE = """
    SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS is_created,
           EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'citus') AS is_available
"""
DISTRIBUTED_TABLES = "SELECT logicalrelid::regclass::text AS name FROM pg_dist_partition"
TABLE_SIZES = """
    SELECT relname AS name, greatest(reltuples, 0)::bigint AS rows FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


class CannotDistribute(Exception):
    """The database has no Citus extension; the text gives the remedy."""


@dataclass(frozen=True, slots=True)
class Step:
    """A table to distribute, its estimated number of rows, and how it is distributed."""

    table: str
    rows: int
    how: str

    @property
    def statement(self) -> str:
        if self.table == SHARDED_TABLE:
            return f"SELECT create_distributed_table('{self.table}', '{SHARD_KEY}')"
        return f"SELECT create_reference_table('{self.table}')"


def plan(database: Database) -> list[Step]:
    """Return the tables not yet distributed, in the order of their foreign keys.

    Raises CannotDistribute, DatabaseUnavailable.
    """
    (state,) = database.execute(EXTENSION_STATE)
    if not state.is_created:
        raise CannotDistribute(
            "the extension citus is not created in this database: run `CREATE EXTENSION citus` "
            "as a superuser"
            if state.is_available
            else "this server has no Citus: install the extension on the server"
        )
    distributed = {row.name for row in database.execute(DISTRIBUTED_TABLES)}
    sizes = {row.name: row.rows for row in database.execute(TABLE_SIZES)}
    return [
        Step(
            table.name,
            sizes.get(table.name, 0),
            f"by a hash of {SHARD_KEY}" if table.name == SHARDED_TABLE else "whole, on every node",
        )
        for table in db.metadata.sorted_tables
        if table.name not in distributed
    ]


def distribute(
    database: Database, steps: list[Step], progress: Callable[[str, int], None] | None = None
) -> None:
    """Distribute the tables, each in its own transaction; a rerun continues after a failure.

    Writes to a table wait while its rows are copied. Raises DatabaseUnavailable.
    """
    for step in steps:
        if progress:
            progress("distributing", len(steps))
        database.execute(step.statement)
