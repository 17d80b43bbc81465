"""Distributes the database over the nodes of a Citus cluster.

`memberships` is only addressed by `user_id` or aggregated by room, so it is sharded by a hash of
`user_id`. Every other table becomes a reference table, replicated to all nodes. The same statements
run with and without Citus; what differs is stored in the database: see SETTINGS.
"""

from collections.abc import Callable
from dataclasses import dataclass

import app.domain.schema.tables  # noqa: F401 - fills the metadata
from app.infra.database import LOCK_TIMEOUT_MS, Database
from app.infra.orm import db

SHARDED_TABLE = "memberships"
SHARD_KEY = "user_id"
# Those that others reference come first. Alembic's table is read on any node, by /readyz.
TABLES = ["alembic_version", *(table.name for table in db.metadata.sorted_tables)]
EXTENSION_STATE = """
    SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS is_created,
           EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'citus') AS is_available
"""
# Citus also lists tables that it keeps on the coordinator alone.
DISTRIBUTED_TABLES = """
    SELECT logicalrelid::regclass::text AS name, pg_relation_size(logicalrelid) > 0 AS has_old_rows
    FROM pg_dist_partition WHERE repmodel = 't' OR partmethod = 'h'
"""
TABLE_SIZES = """
    SELECT relname AS name, greatest(reltuples, 0)::bigint AS rows FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
OTHER_SESSIONS = """
    SELECT count(*) AS sessions FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = current_setting('application_name')
      AND pid <> pg_backend_pid()
"""
# - Between the nodes, Citus opens sessions of its own, which the service's timeouts do not reach.
# - Without the sequential mode, a transaction that has written or read memberships on several nodes
#   at once may not write a reference table.
SETTINGS = f"""
    SELECT format('ALTER DATABASE %I SET %s', current_database(), setting) AS statement
    FROM unnest(ARRAY[
        'lock_timeout = {LOCK_TIMEOUT_MS}', 'citus.multi_shard_modify_mode = sequential'
    ]) AS setting
"""
# A statement for several users commits in two phases on each node that it touches. It saves next to
# nothing, and where a node fails meanwhile, acknowledged joins stay invisible until Citus recovers.
JOIN_ONE_BY_ONE = """
    INSERT INTO join_settings (id, is_grouped) VALUES (1, false)
    ON CONFLICT (id) DO UPDATE SET is_grouped = false
"""
# Citus copies a table's views with it, but creates their schema on the workers only for a table in
# it.
SEED = "analytics.distribution_seed"
CREATE_SCHEMA_ON_WORKERS = (
    f"DROP TABLE IF EXISTS {SEED}",
    f"CREATE TABLE {SEED} (id int PRIMARY KEY)",
    f"SELECT create_reference_table('{SEED}')",
    f"DROP TABLE {SEED}",
)
# Otherwise the first table would take all that are connected with it by foreign keys along, as
# tables of the coordinator: their identities begin at 1 again then, and their comments are lost.
ONE_TABLE_AT_A_TIME = "SET LOCAL citus.enable_local_reference_table_foreign_keys = off"
REMOVE_OLD_ROWS = "SELECT truncate_local_data_after_distributing_table('{table}')"
OLD_ROWS = "its old rows removed"


class CannotDistribute(Exception):
    """The database cannot be distributed now; the text gives the remedy."""


@dataclass(frozen=True, slots=True)
class Step:
    """A table to distribute, its estimated number of rows, and how it is distributed.

    `how` is OLD_ROWS for a table that was distributed by a command that did not end.
    """

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
    old_rows = _distributed_tables(database)
    sizes = {row.name: row.rows for row in database.execute(TABLE_SIZES)}
    return [
        Step(table, sizes.get(table, 0), OLD_ROWS if table in old_rows else _how(table))
        for table in TABLES
        if old_rows.get(table, True)
    ]


def require_no_other_sessions(database: Database) -> None:
    """Do nothing if no other process of the service is connected.

    While tables are distributed one by one, foreign keys are checked through the network and joins
    wait for the copy of each table. Raises CannotDistribute, DatabaseUnavailable.
    """
    (other,) = database.execute(OTHER_SESSIONS)
    if other.sessions:
        raise CannotDistribute(
            f"{other.sessions} other sessions of the service are connected, and most joins would "
            "fail meanwhile: stop the web processes and other commands first, or pass --force"
        )


def distribute(
    database: Database, steps: list[Step], progress: Callable[[str, int], None] | None = None
) -> None:
    """Distribute the tables, each in its own transaction; a rerun continues after a failure.

    Writes to a table wait while its rows are copied. Raises DatabaseUnavailable.
    """
    for row in database.execute(SETTINGS):
        database.execute(row.statement)
    database.execute(JOIN_ONE_BY_ONE)
    for statement in CREATE_SCHEMA_ON_WORKERS:
        database.execute(statement)
    for step in steps:
        if progress:
            progress("distributing", len(steps))
        if step.how != OLD_ROWS:
            with database.transaction() as connection:
                connection.exec_driver_sql(ONE_TABLE_AT_A_TIME)
                connection.exec_driver_sql(step.statement)
        # The copy has no statistics: places would be looked up in a tenth of a second.
        database.execute(f"ANALYZE {step.table}")
    # Citus refuses to remove the rows of a table while others with rows of their own refer to it.
    old_rows = _distributed_tables(database)
    for table in reversed(TABLES):
        if old_rows[table]:
            database.execute(REMOVE_OLD_ROWS.format(table=table))


def _distributed_tables(database: Database) -> dict[str, bool]:
    """Return each distributed table, and whether the coordinator still has its old rows."""
    return {row.name: row.has_old_rows for row in database.execute(DISTRIBUTED_TABLES)}


def _how(table: str) -> str:
    return f"by a hash of {SHARD_KEY}" if table == SHARDED_TABLE else "whole, on every node"
