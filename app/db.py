"""The database: tables' base, engine options, and the one-statement path that requests take.

Two ways to talk to it:

- `Database.execute`: one autocommitted statement on psycopg2's cursor, for the web. Every statement
  given to it may safely run twice: a connection that died says nothing of whether it committed.
- `Database.transaction`: SQLAlchemy Core in a transaction, for commands that must do several things
  or none.

An unreachable or unwilling server is one exception, `DatabaseUnavailable`, with one answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import sqlalchemy
from flask_sqlalchemy import SQLAlchemy
from psycopg2 import errors
from sqlalchemy import BigInteger, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, registry

from app.connections import Connection, Connections, NoneFree, Prepared
from app.metrics import DATABASE_FAULTS, DATABASE_WAITS

Row = tuple[Any, ...]

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 2
# Rows that a cursor on the server hands over at a time.
STREAMED = 5_000
POOL_TIMEOUT_S = 3


class Base(DeclarativeBase):
    """The tables' base: constraints get names by rule, so that a migration can drop them."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            str: Text,
            int: BigInteger,
            datetime: DateTime(timezone=True),
            list[str]: ARRAY(Text),
        },
    )


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    # What Flask-SQLAlchemy makes at run time, as a type checker can see it.
    class Model(Base):
        __abstract__ = True

else:
    Model = db.Model


class DatabaseUnavailable(Exception):
    """The database cannot answer now; the same request may succeed in a second or two."""


class Conflict(Exception):
    """The statement met another one: a row it names is gone, or the two waited for each other."""

    def __init__(self, constraint: str | None) -> None:
        super().__init__(constraint)
        self.constraint = constraint or ""

    @property
    def is_race(self) -> bool:
        """False: a model or cluster that was never registered, which no second try mends."""
        return not self.constraint.endswith(("_models", "_clusters"))


# Who lost to another statement: trying again with fresh eyes is right.
CONFLICTS = (
    errors.ForeignKeyViolation,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
# What says "not now" rather than "you are wrong": shutdown, start-up, crash and lost connections
# (OperationalError and InterfaceError), a statement or a lock past its time, a standby after a
# failover.
UNAVAILABLE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    errors.ReadOnlySqlTransaction,
)


def engine_options(pool_size: int, *, for_commands: bool = False) -> dict[str, Any]:
    """SQLAlchemy's engine options for a process that may hold `pool_size` connections.

    `for_commands`: no limit to a statement's time. Who counts ten million members waits for it.
    """
    statement_timeout = 0 if for_commands else STATEMENT_TIMEOUT_MS
    idle_timeout = 0 if for_commands else IDLE_IN_TRANSACTION_TIMEOUT_MS
    return {
        "pool_size": pool_size,
        # A bound that overflows is none: a small plan's connections are shared by all processes.
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_S,
        # The connection used last goes out first, so that the idle ones are let go by the server.
        "pool_use_lifo": True,
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            # A host that vanished without a word is given up after seconds, not after two hours.
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


class Database:
    """One database, whatever speaks to it.

    `size`: how many connections `execute` may hold. `prepares`: whether they may keep prepared
    statements, which a pooler that deals them out by transaction mixes up.
    """

    def __init__(self, engine: sqlalchemy.Engine, size: int = 1, *, prepares: bool = True) -> None:
        self.engine = engine
        self.prepares = prepares
        self.connections = Connections(self._open, size, POOL_TIMEOUT_S)

    def execute(
        self, statement: str | Prepared, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Run one statement, committed by itself, and return its rows (none: an empty list).

        A connection may have died while it idled (the server restarted), or hold on to a server
        that was demoted since: it is dropped and the statement runs again on the next one, at the
        most once for each stale connection.

        Raises Conflict, DatabaseUnavailable, or the psycopg2 error when the statement itself is at
        fault.
        """
        while True:
            connection = self._take()
            was_used, connection.was_used = connection.was_used, True
            try:
                rows = connection.run(statement, parameters, self.prepares)
            except psycopg2.Error as error:
                if is_spent := _is_spent(connection, error):
                    self.connections.drop(connection)
                    if was_used:
                        continue
                else:
                    self.connections.give_back(connection)
                if isinstance(error, CONFLICTS):
                    raise Conflict(error.diag.constraint_name) from error
                if is_spent or isinstance(error, UNAVAILABLE):
                    DATABASE_FAULTS.inc()
                    raise DatabaseUnavailable(type(error).__name__) from error
                raise
            except BaseException:
                # Interrupted, or told something that is no SQL value: nobody knows its state.
                self.connections.drop(connection)
                raise
            self.connections.give_back(connection)
            return rows

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """A Core connection whose work is committed at the end, or undone on any exception.

        Raises Conflict, DatabaseUnavailable.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except sqlalchemy.exc.DBAPIError as error:
            if isinstance(error.orig, CONFLICTS):
                raise Conflict(error.orig.diag.constraint_name) from error
            # The server also ends a connection with words of other classes: 25P03, for example,
            # where a transaction idled too long.
            if error.connection_invalidated or isinstance(error.orig, UNAVAILABLE):
                raise DatabaseUnavailable(type(error.orig).__name__) from error
            raise
        except UNAVAILABLE as error:
            # From a raw cursor, as COPY and cursors on the server need.
            raise DatabaseUnavailable(type(error).__name__) from error
        except sqlalchemy.exc.TimeoutError as error:
            raise DatabaseUnavailable("no free connection") from error

    def stream(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Row]:
        """The rows of a query of any size, through a cursor on the server: never all in memory.

        Raises DatabaseUnavailable.
        """
        with self.transaction() as connection:
            raw: Any = connection.connection.dbapi_connection
            with raw.cursor(name="stream") as cursor:
                cursor.itersize = STREAMED
                cursor.execute(statement, parameters)
                yield from cursor

    def close(self) -> None:
        """Close what is open."""
        self.connections.close()
        self.engine.dispose()

    def after_fork(self) -> None:
        """Leave to the parent process what it opened: no two may speak on one connection."""
        self.connections.forget()
        self.engine.dispose(close=False)

    def _take(self) -> Connection:
        if not self.connections.is_any_free():
            DATABASE_WAITS.inc()
        try:
            return self.connections.take()
        except NoneFree as error:
            DATABASE_FAULTS.inc()
            raise DatabaseUnavailable("no free connection") from error
        except (sqlalchemy.exc.DBAPIError, psycopg2.Error) as error:
            DATABASE_FAULTS.inc()
            raise DatabaseUnavailable("no connection") from error

    def _open(self) -> psycopg2.extensions.connection:
        """A connection with the engine's options, which its pool forgets."""
        opened = self.engine.raw_connection()
        raw: psycopg2.extensions.connection = opened.dbapi_connection  # type: ignore[assignment]
        opened.detach()
        return raw


def _is_spent(connection: Connection, error: psycopg2.Error) -> bool:
    """No statement will succeed on this connection, while one on a new connection may."""
    # A demoted server goes on answering: only whoever connects anew finds the one in its place.
    # And what was prepared may be gone, where somebody between us and the server resets sessions.
    if isinstance(error, errors.ReadOnlySqlTransaction | errors.InvalidSqlStatementName):
        return True
    return bool(connection.raw.closed)
