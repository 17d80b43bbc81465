"""One database spread over several machines by Citus: members by their id, the rest on each.

`memberships` is only ever addressed by `user_id`, or aggregated by room, so it is dealt out by a
hash of it; every table it points at becomes a reference table, which all nodes hold whole. Nothing
else of the service changes: the same statements run on both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.infra.database import Database, db

DISTRIBUTED = "memberships"
BY = "user_id"
STATE = """
    SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS is_created,
           EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'citus') AS is_available
"""
DONE = "SELECT logicalrelid::regclass::text AS name FROM pg_dist_partition"
SIZES = """
    SELECT relname AS name, greatest(reltuples, 0)::bigint AS rows FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


class CannotDistribute(Exception):
    """There is no Citus here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """A table that is yet to be distributed, about how many rows it has, and how."""

    table: str
    rows: int
    how: str

    @property
    def statement(self) -> str:
        if self.table == DISTRIBUTED:
            return f"SELECT create_distributed_table('{self.table}', '{BY}')"
        return f"SELECT create_reference_table('{self.table}')"


def plan(database: Database) -> list[Step]:
    """What is left to do, in an order that foreign keys allow; nothing: all is distributed.

    Raises CannotDistribute, DatabaseUnavailable.
    """
    import app.domain.schema.tables  # noqa: F401 - fills the metadata

    (state,) = database.execute(STATE)
    if not state.is_created:
        raise CannotDistribute(
            "the extension citus is not created in this database: let its superuser say "
            "`CREATE EXTENSION citus`"
            if state.is_available
            else "this server has no Citus: whoever runs the server installs that extension"
        )
    done = {row.name for row in database.execute(DONE)}
    sizes = {row.name: row.rows for row in database.execute(SIZES)}
    return [
        Step(
            table.name,
            sizes.get(table.name, 0),
            f"by a hash of {BY}" if table.name == DISTRIBUTED else "whole, on every node",
        )
        for table in db.metadata.sorted_tables
        if table.name not in done
    ]


def distribute(
    database: Database, steps: list[Step], progress: Callable[[str, int], None] | None = None
) -> None:
    """Carry a plan out, one table a transaction: what is done stays, a rerun does the rest.

    Writes to a table wait while its rows are copied. Raises DatabaseUnavailable.
    """
    for step in steps:
        if progress:
            progress("distributing", len(steps))
        database.execute(step.statement)
