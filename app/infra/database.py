"""The database: the engine's options, and two ways to run statements.

- `Database.execute` runs one autocommitted statement on psycopg2's cursor, for requests. Every
  statement given to it must be safe to run twice: a connection that died does not reveal whether it
  committed.
- `Database.transaction` is a SQLAlchemy Core transaction, for commands that change several things
  or nothing.

Statements are written with psycopg2's parameter style, `%(name)s`, and rows are read by name.
An unreachable or unwilling server is one exception, `DatabaseUnavailable`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
import sqlalchemy
from psycopg2 import errors
from psycopg2.extras import NamedTupleCursor
from sqlalchemy import QueuePool
from sqlalchemy.pool import PoolProxiedConnection

from app.infra.metrics import DATABASE_FAULTS, DATABASE_WAITS

# A row with its columns as attributes.
Row = Any
Parameters = Mapping[str, Any]

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 2
POOL_TIMEOUT_S = 3
# Rows that a server-side cursor fetches at a time.
STREAM_BATCH_ROWS = 5_000


class DatabaseUnavailable(Exception):
    """The database cannot answer now; the same request may succeed in a second or two."""


class Conflict(Exception):
    """The statement lost a race: a row it names is gone, or it deadlocked. Retrying is right."""


class NotRegistered(Exception):
    """The statement names a model or cluster that was never registered. Retrying is useless."""


# A statement that raises one of these lost a race against another one.
RACE_ERRORS = (
    errors.ForeignKeyViolation,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
# Shutdown, start-up, a crash, a lost connection, a statement or lock timeout, a standby after a
# failover: the server cannot answer now, and the statement itself is not at fault.
UNAVAILABLE_ERRORS = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    errors.ReadOnlySqlTransaction,
)


def engine_options(pool_size: int, *, for_commands: bool = False) -> dict[str, Any]:
    """Return SQLAlchemy's engine options for a process that may hold `pool_size` connections.

    `for_commands`: no statement timeout, since counting ten million members takes longer.
    """
    statement_timeout = 0 if for_commands else STATEMENT_TIMEOUT_MS
    idle_timeout = 0 if for_commands else IDLE_IN_TRANSACTION_TIMEOUT_MS
    return {
        "pool_size": pool_size,
        # All processes share a small plan's connections, so the bound must hold.
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_S,
        # The connection used last goes out first, so that the server can close idle ones.
        "pool_use_lifo": True,
        # Switching it at each checkout would release the interpreter's lock twice a request.
        "isolation_level": "AUTOCOMMIT",
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            # A host that vanished is given up after seconds instead of two hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": STATEMENT_TIMEOUT_MS,
            "application_name": "nomad-rooms",
            "options": (
                f"-c statement_timeout={statement_timeout} -c lock_timeout={LOCK_TIMEOUT_MS} "
                f"-c idle_in_transaction_session_timeout={idle_timeout} "
                "-c timezone=UTC -c pg_trgm.similarity_threshold=0.25"
            ),
        },
    }


@dataclass(frozen=True)
class PreparedStatement:
    """A statement that each connection parses and plans once.

    `types`: the PostgreSQL type of each %(parameter)s. `prefix`: statements sent in the same round
    trip, and so in the same transaction.
    """

    name: str
    sql: str
    types: Mapping[str, str]
    prefix: str = ""

    @cached_property
    def plain(self) -> str:
        """The statement for a connection that must not prepare it."""
        return self.prefix + self.sql

    @cached_property
    def prepare(self) -> str:
        positions = {name: f"${position}" for position, name in enumerate(self.types, 1)}
        sql = re.sub(r"%\((\w+)\)s", lambda match: positions[match[1]], self.sql)
        return f"PREPARE {self.name} ({', '.join(self.types.values())}) AS {sql}"

    @cached_property
    def execute(self) -> str:
        arguments = ", ".join(f"%({name})s" for name in self.types)
        return f"{self.prefix}EXECUTE {self.name} ({arguments})"


class Database:
    """One database.

    `prepare`: whether connections may keep prepared statements. A pooler in transaction mode hands
    a server connection from client to client, and with it the prepared names.
    """

    def __init__(self, engine: sqlalchemy.Engine, *, prepare: bool = True) -> None:
        self.engine = engine
        self.prepare = prepare
        self._transactional = engine.execution_options(isolation_level="READ COMMITTED")

    def execute(
        self, statement: str | PreparedStatement, parameters: Parameters | None = None
    ) -> list[Row]:
        """Run one statement, committed by itself, and return its rows, an empty list for none.

        A pooled connection may have died while it was idle (the server restarted) or belong to a
        server that was demoted since: it is replaced and the statement runs again, once for each
        stale connection at most.

        Raises Conflict, NotRegistered, DatabaseUnavailable, or the psycopg2 error when the
        statement itself is at fault.
        """
        while True:
            pooled = self._checkout()
            was_used = "cursor" in pooled.info
            try:
                rows = self._run(pooled, statement, parameters)
            except psycopg2.Error as error:
                if is_stale := _is_stale(pooled, error):
                    pooled.invalidate()
                pooled.close()
                if is_stale and was_used:
                    continue
                if isinstance(error, RACE_ERRORS):
                    raise race_error(error) from error
                if is_stale or isinstance(error, UNAVAILABLE_ERRORS):
                    DATABASE_FAULTS.inc()
                    raise DatabaseUnavailable(type(error).__name__) from error
                raise
            except BaseException:
                # Interrupted, or given a value without an SQL type: the connection's state is
                # unknown.
                pooled.invalidate()
                raise
            pooled.close()
            return rows

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """Yield a Core connection whose work is committed at the end, or undone on an exception.

        Raises Conflict, NotRegistered, DatabaseUnavailable.
        """
        try:
            with self._transactional.begin() as connection:
                yield connection
        except sqlalchemy.exc.DBAPIError as error:
            if isinstance(error.orig, RACE_ERRORS):
                raise race_error(error.orig) from error
            # The server also closes connections with errors of other classes, 25P03 for example
            # where a transaction was idle for too long.
            if error.connection_invalidated or isinstance(error.orig, UNAVAILABLE_ERRORS):
                raise DatabaseUnavailable(type(error.orig).__name__) from error
            raise
        except UNAVAILABLE_ERRORS as error:
            # From a raw cursor, which COPY and server-side cursors need.
            raise DatabaseUnavailable(type(error).__name__) from error
        except sqlalchemy.exc.TimeoutError as error:
            raise DatabaseUnavailable("no free connection") from error

    def stream(self, statement: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """Yield the rows of a query of any size through a server-side cursor, in bounded memory.

        Raises DatabaseUnavailable.
        """
        with self.transaction() as connection:
            raw: Any = connection.connection.dbapi_connection
            with raw.cursor(name="stream", cursor_factory=NamedTupleCursor) as cursor:
                cursor.itersize = STREAM_BATCH_ROWS
                cursor.execute(statement, parameters)
                yield from cursor

    def close(self) -> None:
        """Close all connections; new ones open on demand."""
        self.engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent: two processes must not share one."""
        self.engine.dispose(close=False)

    def _checkout(self) -> PoolProxiedConnection:
        pool = self.engine.pool
        if isinstance(pool, QueuePool) and pool.checkedout() >= pool.size():
            DATABASE_WAITS.inc()
        try:
            return self.engine.raw_connection()
        except sqlalchemy.exc.TimeoutError as error:
            DATABASE_FAULTS.inc()
            raise DatabaseUnavailable("no free connection") from error
        except (sqlalchemy.exc.DBAPIError, psycopg2.Error) as error:
            DATABASE_FAULTS.inc()
            raise DatabaseUnavailable("no connection") from error

    def _run(
        self,
        pooled: PoolProxiedConnection,
        statement: str | PreparedStatement,
        parameters: Parameters | None,
    ) -> list[Row]:
        state = pooled.info
        if "cursor" not in state:
            state["cursor"] = pooled.cursor(cursor_factory=NamedTupleCursor)
            state["prepared"] = set()
        cursor: Any = state["cursor"]
        if isinstance(statement, PreparedStatement):
            if self.prepare and statement.name not in state["prepared"]:
                cursor.execute(statement.prepare)
                state["prepared"].add(statement.name)
            statement = statement.execute if self.prepare else statement.plain
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def race_error(error: Any) -> Conflict | NotRegistered:
    """Return the exception for one of RACE_ERRORS."""
    constraint = error.diag.constraint_name or type(error).__name__
    # The names end with the table that the foreign key refers to: see Base.
    if constraint.endswith(("_models", "_clusters")):
        return NotRegistered(constraint)
    return Conflict(constraint)


def _is_stale(pooled: PoolProxiedConnection, error: psycopg2.Error) -> bool:
    """Return whether no statement can succeed on this connection, while a new one may serve."""
    # A demoted server keeps answering, and only a new connection reaches its successor. Prepared
    # names may be gone where a pooler between the two resets sessions.
    if isinstance(error, errors.ReadOnlySqlTransaction | errors.InvalidSqlStatementName):
        return True
    raw: Any = pooled.dbapi_connection
    return bool(raw.closed)
