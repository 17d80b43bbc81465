"""Opens the connections of an engine's pool, and hands them out.

SQLAlchemy's pool fails at once where no connection can be opened. Here a caller then gets another
connection of the pool, or waits for one to come free.
"""

from time import monotonic, sleep
from typing import Any

import psycopg2
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.pool import PoolProxiedConnection

from app.infra.connection_watchdog import Watchdog, WatchedConnection
from app.infra.metrics import DATABASE_WAITS

# After a failed attempt to open a connection others are refused for so long. Otherwise each of many
# callers would wait for a frozen server in turn, or start a process on a server that is full. The
# second outlasts the wait of callers who queue for a place of the pool during a slow attempt.
REFUSAL_S = 0.1
SLOW_REFUSAL_S = 1.5
SLOW_ATTEMPT_S = 1.0
POLL_INTERVAL_S = 0.01


class _Spare(psycopg2.OperationalError):
    """No connection could be opened for a place of the pool, but another place has one."""

    def __init__(self, connection: PoolProxiedConnection) -> None:
        super().__init__("no connection could be opened")
        self.connection = connection


class Connections:
    """The connections of one engine.

    `max_wait_s`: how long a caller waits for another's connection where none can be opened;
    `max_statement_s`: how long a statement may take on a WatchedConnection.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, max_wait_s: float, max_statement_s: float
    ) -> None:
        self.engine = engine
        self.max_wait_s = max_wait_s
        self.watchdog = Watchdog(max_statement_s)
        self._refused_until = 0.0
        self._is_slow = False
        event.listen(engine, "do_connect", self._open)
        # It runs after SQLAlchemy's own listeners.
        event.listen(engine, "connect", _end_first_statements)
        event.listen(engine, "checkin", _note_use)

    def checkout(self, began: float) -> PoolProxiedConnection:
        """Return a connection, to be given back by its method `close`.

        `began`: when the caller began to wait, by time.monotonic.
        Raises sqlalchemy.exc.TimeoutError, sqlalchemy.exc.DBAPIError, psycopg2.Error.
        """
        pool: Any = self.engine.pool
        if pool.checkedout() >= pool.size():
            DATABASE_WAITS.inc()
        try:
            return self.engine.raw_connection()
        except psycopg2.OperationalError as error:
            return self._wait_for_another(error, began + self.max_wait_s)

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent: two processes must not share one."""
        self.watchdog.after_fork()
        self.engine.dispose(close=False)

    def _wait_for_another(self, error: Exception, deadline: float) -> PoolProxiedConnection:
        """Return a connection that another caller gave back; `error`: why none could be opened."""
        is_waiting = False
        while not isinstance(error, _Spare):
            # Where the server is frozen, the connections in use hang too.
            if self._is_slow or not self._has_others() or monotonic() > deadline:
                raise error
            if not is_waiting:
                is_waiting = True
                DATABASE_WAITS.inc()
            sleep(POLL_INTERVAL_S)
            try:
                return self.engine.raw_connection()
            except psycopg2.OperationalError as latest:
                error = latest
        return error.connection

    def _has_others(self) -> bool:
        """Return whether a connection is open, or being opened by another caller."""
        pool: Any = self.engine.pool
        return self.watchdog.is_watching() or pool.checkedout() > 0

    def _open(self, dialect: Any, place: Any, arguments: Any, options: Any) -> Any:
        """Open a connection for an empty place of the pool.

        Raises _Spare, psycopg2.OperationalError.
        """
        try:
            connection = self._connect(arguments, options)
        except psycopg2.OperationalError as error:
            # The pool would give this empty place to the next caller too, rather than another.
            pool: Any = self.engine.pool
            if pool.checkedin():
                raise _Spare(self.engine.raw_connection()) from error
            raise
        if isinstance(connection, WatchedConnection):
            self.watchdog.watch(connection)
        return connection

    def _connect(self, arguments: Any, options: Any) -> Any:
        began = monotonic()
        if began < self._refused_until:
            raise psycopg2.OperationalError("no connection could be opened just now")
        try:
            connection = psycopg2.connect(*arguments, **options)
        except psycopg2.OperationalError:
            now = monotonic()
            self._is_slow = now - began > SLOW_ATTEMPT_S
            self._refused_until = now + (SLOW_REFUSAL_S if self._is_slow else REFUSAL_S)
            raise
        self._is_slow = False
        return connection


def was_used(connection: PoolProxiedConnection) -> bool:
    """Return whether a connection was given out before, so that it may have died while idle."""
    return "is_used" in connection.info


def _note_use(connection: Any, place: Any) -> None:
    place.info["is_used"] = True


def _end_first_statements(connection: Any, place: Any) -> None:
    if isinstance(connection, WatchedConnection):
        connection.began = None
