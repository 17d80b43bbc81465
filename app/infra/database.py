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
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from time import monotonic
from typing import Any

import psycopg2
import sqlalchemy
from psycopg2 import errors
from psycopg2.extras import NamedTupleCursor
from sqlalchemy.pool import PoolProxiedConnection

from app.infra.connection_watchdog import WatchedConnection
from app.infra.connections import Connections, was_used
from app.infra.metrics import DATABASE_FAULTS

# A row with its columns as attributes.
Row = Any
Parameters = Mapping[str, Any]

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
# With the wait for a connection. A server that runs ends a statement itself before, unless it began
# late because the pool was busy.
MAX_STATEMENT_S = STATEMENT_TIMEOUT_MS / 1000 + 1
# Idle connections are given up, so that other processes get one where the server has too few.
IDLE_TIMEOUT_MS = 20_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 2
POOL_TIMEOUT_S = 3
# Rows that a server-side cursor fetches at a time.
STREAM_BATCH_ROWS = 5_000


class DatabaseUnavailable(Exception):
    """The database cannot answer now; the same request may succeed in a second or two."""


class LockTimeout(DatabaseUnavailable):
    """The statement waited for a lock for too long. The database works."""


class StatementTimeout(DatabaseUnavailable):
    """The statement took too long, and the server ended it. The database works."""


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
# The name of a foreign key; of a shard's it ends in the shard's number.
FOREIGN_KEY = re.compile(r'"(fk_\w+?)(?:_\d+)?"')
# Shutdown, start-up, a crash, a lost connection, a statement or lock timeout, a standby after a
# failover, a node that Citus lost within a statement (an internal error): the server cannot answer
# now, and the statement itself is not at fault.
UNAVAILABLE_ERRORS = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.InternalError_,
)
TIMEOUTS: dict[type[psycopg2.Error], type[DatabaseUnavailable]] = {
    errors.LockNotAvailable: LockTimeout,
    errors.QueryCanceled: StatementTimeout,
}


def engine_options(pool_size: int, *, for_commands: bool = False) -> dict[str, Any]:
    """Return SQLAlchemy's engine options for a process that may hold `pool_size` connections.

    `for_commands`: no bound on statements, since counting ten million members takes longer.
    """
    statement_timeout = 0 if for_commands else STATEMENT_TIMEOUT_MS
    idle_in_transaction_timeout = 0 if for_commands else IDLE_IN_TRANSACTION_TIMEOUT_MS
    idle_timeout = 0 if for_commands else IDLE_TIMEOUT_MS
    return {
        "pool_size": pool_size,
        # All processes share a small plan's connections, so the bound must hold.
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_S,
        # The connection used last goes out first, so that the server closes those not needed.
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
            "connection_factory": None if for_commands else WatchedConnection,
            "options": (
                f"-c statement_timeout={statement_timeout} -c lock_timeout={LOCK_TIMEOUT_MS} "
                f"-c idle_in_transaction_session_timeout={idle_in_transaction_timeout} "
                f"-c idle_session_timeout={idle_timeout} "
                "-c timezone=UTC -c pg_trgm.similarity_threshold=0.25"
            ),
        },
    }


@dataclass(frozen=True)
class PreparedStatement:
    """A statement that each connection plans once; `types`: the type of each %(parameter)s."""

    name: str
    sql: str
    types: Mapping[str, str]

    @cached_property
    def prepare(self) -> str:
        positions = {name: f"${position}" for position, name in enumerate(self.types, 1)}
        sql = re.sub(r"%\((\w+)\)s", lambda match: positions[match[1]], self.sql)
        return f"PREPARE {self.name} ({', '.join(self.types.values())}) AS {sql}"

    @cached_property
    def execute(self) -> str:
        arguments = ", ".join(f"%({name})s" for name in self.types)
        return f"EXECUTE {self.name} ({arguments})"


class Database:
    """One database.

    `prepare`: whether connections may keep prepared statements. A pooler in transaction mode hands
    a server connection from client to client, and with it the prepared names.
    """

    def __init__(self, engine: sqlalchemy.Engine, *, prepare: bool = True) -> None:
        self.engine = engine
        self.prepare = prepare
        self._connections = Connections(engine, POOL_TIMEOUT_S, MAX_STATEMENT_S)
        # By the name of a prepared statement. A new one's columns are known when it ran.
        self._row_makers: dict[str, Callable[[Iterable[Any]], Row]] = {}
        self._transactional = engine.execution_options(isolation_level="READ COMMITTED")

    def execute(
        self,
        statement: str | PreparedStatement,
        parameters: Parameters | None = None,
        settings: str = "",
    ) -> list[Row]:
        """Run one statement, committed by itself, and return its rows, an empty list for none.

        `settings`: PostgreSQL's settings for this statement alone, sent in the same round trip.
        Reaching a timeout that they shorten is no fault of the database.

        A pooled connection may have died while idle (the server restarted) or lead to a server that
        was demoted since: it is replaced and the statement runs again, once for each at most.

        Raises Conflict, NotRegistered, LockTimeout, StatementTimeout, DatabaseUnavailable, or the
        psycopg2 error when the statement itself is at fault.
        """
        began = monotonic()
        while True:
            pooled = self._checkout(began)
            is_reused = was_used(pooled)
            try:
                rows = self._run(pooled, statement, parameters, settings, began)
            except psycopg2.Error as error:
                if is_stale := _is_stale(pooled, error):
                    pooled.invalidate()
                pooled.close()
                if isinstance(error, errors.ReadOnlySqlTransaction):
                    self._connections.watchdog.cut_idle()  # of the server that was demoted
                # A longer statement was ended by the watchdog, and another would be too.
                if is_stale and is_reused and monotonic() - began < MAX_STATEMENT_S:
                    continue
                if isinstance(error, RACE_ERRORS):
                    raise race_error(error) from error
                if is_stale or isinstance(error, UNAVAILABLE_ERRORS):
                    if not (settings and type(error) in TIMEOUTS):
                        DATABASE_FAULTS.inc()
                    exception = TIMEOUTS.get(type(error), DatabaseUnavailable)
                    raise exception(type(error).__name__) from error
                raise
            except BaseException:
                # Interrupted, or given a value without an SQL type: its state is unknown.
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

    def apart(self) -> "Database":
        """Return the same database with one connection apart from the pool, and without a bound on
        statements: for long work beside requests. Close it at the end."""
        return Database(
            sqlalchemy.create_engine(self.engine.url, **engine_options(1, for_commands=True))
        )

    def close(self) -> None:
        """Close all connections; new ones open on demand."""
        self.engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent: two processes must not share one."""
        self._connections.after_fork()

    def _checkout(self, began: float) -> PoolProxiedConnection:
        try:
            return self._connections.checkout(began)
        except (sqlalchemy.exc.TimeoutError, sqlalchemy.exc.DBAPIError, psycopg2.Error) as error:
            DATABASE_FAULTS.inc()
            raise DatabaseUnavailable(f"no connection: {type(error).__name__}") from error

    def _run(
        self,
        pooled: PoolProxiedConnection,
        statement: str | PreparedStatement,
        parameters: Parameters | None,
        settings: str,
        began: float,
    ) -> list[Row]:
        state = pooled.info
        if "cursor" not in state:
            state["cursor"] = pooled.cursor()
            state["prepared"] = set()
        cursor: Any = state["cursor"]
        text = statement
        connection = pooled.dbapi_connection
        if isinstance(connection, WatchedConnection):
            connection.began = began
        try:
            if isinstance(statement, PreparedStatement):
                if self.prepare and statement.name not in state["prepared"]:
                    cursor.execute(statement.prepare)
                    state["prepared"].add(statement.name)
                text = statement.execute if self.prepare else statement.sql
            if settings:
                text = f"SET LOCAL {settings}; {text}"
            cursor.execute(text, parameters)
            return self._fetch(cursor, statement) if cursor.description else []
        finally:
            if isinstance(connection, WatchedConnection):
                connection.began = None

    def _fetch(self, cursor: Any, statement: str | PreparedStatement) -> list[Row]:
        """Return the rows, as psycopg2's NamedTupleCursor does in twice the time."""
        name = statement.name if isinstance(statement, PreparedStatement) else None
        make = self._row_makers.get(name) if name else None
        if make is None:
            make = _row_maker(tuple(column.name for column in cursor.description))
            if name:
                self._row_makers[name] = make
        return [make(row) for row in cursor.fetchall()]


@lru_cache(maxsize=1000)
def _row_maker(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Row]:
    row_type: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], Row] = row_type._make
    return make


def race_error(error: Any) -> Conflict | NotRegistered:
    """Return the exception for one of RACE_ERRORS."""
    name = error.diag.constraint_name
    # Another node's error has it in the message alone, which may be in any language.
    if not name and (match := FOREIGN_KEY.search(str(error))):
        name = match[1]
    constraint = name or type(error).__name__
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
