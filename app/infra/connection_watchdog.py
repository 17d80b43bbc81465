"""Ends statements that outlast the server's own timeouts.

PostgreSQL's statement and lock timeouts need a server that runs and a clock that is right, and do
not cover a commit that waits for its standby. TCP's timeouts do not help either: the kernel of a
frozen server acknowledges all packets. Shutting the connection's socket down ends a statement at
once, where closing it or PostgreSQL's own cancellation would wait for the server too.
"""

import os
import socket
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from weakref import WeakSet

from psycopg2.extensions import connection as Connection

CHECK_INTERVAL_S = 0.5


class WatchedConnection(Connection):
    """A connection whose statement another thread can end.

    `began`: when the statement in progress began, by time.monotonic; None: there is none.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # Until the pool hands it out: SQLAlchemy runs statements on the first connection.
        self.began: float | None = monotonic()
        # A duplicate, because libpq may close its own descriptor at any time, and the number may
        # then be that of a client's socket.
        self._socket = socket.socket(fileno=os.dup(self.fileno()))
        self._socket_lock = Lock()

    def close(self) -> None:
        super().close()
        with self._socket_lock:
            self._socket.close()

    def cut(self) -> None:
        """Shut the socket down: the statement in progress, or else the next, fails at once."""
        with self._socket_lock, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """A thread that cuts connections whose statement began more than `limit_s` ago."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the parent's connections; its thread runs in the parent only."""
        self._lock = Lock()
        self._connections: WeakSet[WatchedConnection] = WeakSet()
        self._is_running = False

    def watch(self, connection: WatchedConnection) -> None:
        """Watch a connection until it is closed."""
        with self._lock:
            self._connections.add(connection)
            if not self._is_running:
                self._is_running = True
                Thread(target=self._run, name="database-watchdog", daemon=True).start()

    def is_watching(self) -> bool:
        """Return whether a watched connection is open."""
        return bool(self._open_connections())

    def cut_idle(self) -> None:
        """Let all idle connections be replaced when they are used next."""
        for connection in self._open_connections():
            if connection.began is None:
                connection.cut()

    def _run(self) -> None:
        while True:
            sleep(CHECK_INTERVAL_S)
            self._cut_overdue()
            with self._lock:
                if all(connection.closed for connection in self._connections):
                    self._is_running = False
                    return

    def _cut_overdue(self) -> None:
        latest = monotonic() - self.limit_s
        is_overdue = False
        for connection in self._open_connections():
            began = connection.began
            if began is not None and began < latest:
                connection.cut()
                is_overdue = True
        if is_overdue:
            # They lead to the same server.
            self.cut_idle()

    def _open_connections(self) -> list[WatchedConnection]:
        with self._lock:
            return [connection for connection in self._connections if not connection.closed]
