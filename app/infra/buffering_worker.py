"""A gunicorn worker whose threads never wait for one client.

    clients ─▶ thread ─▶ application ─▶ thread ─▶ clients

Idle threads wait for all clients together. The one that is woken reads what has come, runs the
application if it completes a request, and sends what the kernel takes of the response. Every wait
for a client has a deadline. gunicorn 27.0 reads and sends in threads, which a few slow clients can
hold for ever (tests/faults/test_slow_clients.py), and hands each request from one thread to another
and back, a fifth of its cost.
"""

import math
import resource
import socket
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from threading import Lock, Thread
from typing import Any

from app.infra.answering_worker import AnsweringWorker, is_probe
from app.infra.client_events import READ, WRITE, client_events
from app.infra.http_connection import Connection, Disconnected, ResponseBuffer
from app.infra.refusals import TOO_SLOW, refusal
from app.infra.worker_loads import WorkerLoads

# A kept connection may already carry its next request when the worker stops.
LINGER_AFTER_STOP_S = 2.0
# Slow readers must not fill the memory with their responses.
MAX_UNSENT_BYTES = 32 * 1024 * 1024
# Database connections, the log, metrics and the files of the interpreter.
OTHER_FILES = 100


class Phase(IntEnum):
    """What a connection waits for: its next request, the rest of one, to send, or its end."""

    IDLE = 0
    ARRIVING = 1
    SENDING = 2
    CLOSING = 3


DROPPED_FIRST = (Phase.IDLE, Phase.CLOSING, Phase.ARRIVING, Phase.SENDING)
# An idle connection is kept for gunicorn's keepalive setting.
LIMITS_S = {Phase.ARRIVING: 10.0, Phase.SENDING: 60.0, Phase.CLOSING: 2.0}
CHECK_INTERVAL_S = 0.25


class BufferingWorker(AnsweringWorker):
    """A gthread worker that buffers requests and responses.

    The main thread accepts clients and closes those that are too slow. All other threads `_serve`:
    as many as may run the application, and one more that reads while these are busy, so that the
    age of each waiting request is known. A connection belongs to the thread that takes it out of
    `waiting`.
    """

    # All workers inherit the same one.
    loads = WorkerLoads()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By phase, the first one added first.
        self.waiting: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self.limits_s = LIMITS_S | {Phase.IDLE: self.cfg.keepalive or LIMITS_S[Phase.ARRIVING]}
        self.lock = Lock()
        # Guarded by the lock, like nr_conns.
        self.free_threads = self.cfg.threads
        self.whole: deque[Connection] = deque()
        self.connections: dict[int, Connection] = {}
        self.unsent_bytes = 0
        self.idle_until = math.inf
        self.next_check = 0.0
        self.is_ended = False

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse settings that the worker does not support. Raises SystemExit."""
        if cfg.is_ssl:
            raise SystemExit("TLS ends in a proxy in front of the service, not in gunicorn")

    def run(self) -> None:
        """Serve until the worker is to stop.

        gunicorn's pool of threads stays empty. A signal that interrupts its `submit` leaves a
        thread for which the process waits in vain when it exits.
        """
        self.events = client_events()
        # A signal may end the worker at any line.
        try:
            for _ in range(self.cfg.threads + 1):
                Thread(target=self._serve, daemon=True).start()
            super().run()
        finally:
            self.loads.leave(self.age)
            self.is_ended = True
            self.events.end()

    def accept(self, listener: socket.socket) -> bool:
        """Accept a client, and wait for its request; return False if none is queued.

        gunicorn 27.0 gives the connection to a thread, which then waits for the client.
        """
        if self.alive:
            self.loads.let_emptier_go_first(self.nr_conns)
        try:
            sock, address = listener.accept()
        except OSError:
            return False
        connection = Connection(sock, address, listener.getsockname())
        with self.lock:
            self.nr_conns += 1
            self.connections[connection.descriptor] = connection
            self.loads.note(self.age, self.nr_conns)
        self._wait(connection, Phase.IDLE, is_new=True)
        if self.nr_conns >= self.worker_connections:
            self._drop_another(connection)
        return True

    def _wait(self, connection: Connection, phase: Phase, *, is_new: bool = False) -> None:
        """Let a connection wait for its client, from now on."""
        connection.phase = phase
        connection.deadline = time.monotonic() + self.limits_s[phase]
        self._go_on_waiting(connection, is_new=is_new)

    def _go_on_waiting(self, connection: Connection, *, is_new: bool = False) -> None:
        """Let a connection wait; another thread may take it before this returns."""
        self.waiting[connection.phase][connection] = None
        event = WRITE if connection.phase is Phase.SENDING else READ
        self.events.watch(connection.descriptor, event, is_new=is_new)

    def _take(self, connection: Connection) -> bool:
        """Make a waiting connection the calling thread's; return False if it is another's."""
        return self.waiting[connection.phase].pop(connection, self) is None

    def _drop_another(self, connection: Connection) -> None:
        """Make room: at its limit the worker accepts nobody, even if all clients are idle."""
        for phase in DROPPED_FIRST:
            for other in list(self.waiting[phase]):
                if other is not connection and self._take(other):
                    self._close(other)
                    return

    def _close(self, connection: Connection) -> None:
        """Close a connection of the calling thread's."""
        self.events.forget(connection.descriptor)
        with self.lock:
            self.nr_conns -= 1
            del self.connections[connection.descriptor]
            if connection.phase is Phase.SENDING:
                self.unsent_bytes -= connection.output_bytes
            self.loads.note(self.age, self.nr_conns)
        connection.sock.close()
        if not (self.alive or self.is_ended):
            self.method_queue.defer(int)  # wakes the main thread, which may have waited for this

    def _serve(self) -> None:
        """Wait for clients, together with the other threads."""
        while not self.is_ended:
            for descriptor in self.events.wait():
                connection = self.connections.get(descriptor)
                if connection and self._take(connection) and self._try(self._go_on, connection):
                    self._answer_in_turn(connection)

    def _try(self, step: Callable[[Connection], bool], connection: Connection) -> bool:
        """Return what a step returns; close the connection if it fails."""
        try:
            return step(connection)
        except Disconnected:
            pass
        except Exception as error:  # a defect must not end the thread
            self.log.error("connection: %s", type(error).__name__)
        self._close(connection)
        return False

    def _go_on(self, connection: Connection) -> bool:
        """Do what a connection waited for; return whether a request is whole.

        Raises Disconnected.
        """
        if connection.phase is Phase.SENDING:
            return self._send(connection)
        connection.receive()
        if connection.phase is Phase.CLOSING:
            # What a client sends after the last response is ignored, until it has closed too.
            connection.input.clear()
        elif connection.take_request():
            return True
        elif connection.phase is Phase.IDLE and connection.input:
            self._wait(connection, Phase.ARRIVING)
            return False
        self._go_on_waiting(connection)
        return False

    def _send(self, connection: Connection) -> bool:
        connection.send()
        if connection.output:
            self._go_on_waiting(connection)
            return False
        with self.lock:
            self.unsent_bytes -= connection.output_bytes
            connection.phase = Phase.IDLE
        return self._continue(connection)

    def _answer_in_turn(self, connection: Connection | None) -> None:
        """Answer a whole request, or leave it to the thread that is free first."""
        # A service whose threads all wait for the database is alive.
        while connection and is_probe(connection.request):
            connection = connection if self._try(self._answer, connection) else None
        if connection:
            with self.lock:
                if not self.free_threads:
                    self.whole.append(connection)
                    return
                self.free_threads -= 1
        while connection:
            if self._try(self._answer, connection):
                self.whole.append(connection)
            with self.lock:
                connection = self.whole.popleft() if self.whole else None
                self.free_threads += connection is None

    def _answer(self, connection: Connection) -> bool:
        """Answer a request; return whether the next one is whole. Raises Disconnected."""
        self.handle(connection)
        return self._finish(connection)

    def _finish(self, connection: Connection) -> bool:
        """Let what the kernel did not take of a response wait, and go on with the connection."""
        connection.request = None
        if not connection.output:
            return self._continue(connection)
        with self.lock:
            self.unsent_bytes += connection.output_bytes
        self._wait(connection, Phase.SENDING)
        for slow in list(self.waiting[Phase.SENDING]):
            if self.unsent_bytes <= MAX_UNSENT_BYTES:
                break
            if self._take(slow):
                self._close(slow)
        return False

    def _continue(self, connection: Connection) -> bool:
        """Begin with the next request of a connection, or close it."""
        if not connection.is_kept:
            connection.close_output()
            self._wait(connection, Phase.CLOSING)
        elif connection.take_request():  # it came with the one before
            return True
        else:
            self._wait(connection, Phase.ARRIVING if connection.input else Phase.IDLE)
        return False

    def murder_keepalived(self, force: bool = False) -> None:
        """Close the connections whose clients are too slow, or all."""
        now = time.monotonic()
        self.loads.note(self.age, self.nr_conns)
        self.is_ended = force
        if not self.alive:
            self.idle_until = min(self.idle_until, now + LINGER_AFTER_STOP_S)
        if now < self.next_check and not force:
            return
        self.next_check = now + CHECK_INTERVAL_S
        for phase, waiting in self.waiting.items():
            until = self.idle_until if phase is Phase.IDLE else math.inf
            for connection in list(waiting):
                is_late = force or now >= min(connection.deadline, until)
                if is_late and self._take(connection):
                    self._try(self._expire, connection)

    def _expire(self, connection: Connection) -> bool:
        if connection.phase is not Phase.ARRIVING:
            raise Disconnected
        response = ResponseBuffer()
        response.sendall(refusal(TOO_SLOW))
        connection.is_kept = False
        connection.respond(response)
        return self._finish(connection)


def allow_connections(number: int) -> int:
    """Let a worker have this many clients, or as many as the process may have open files."""
    files = number + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - OTHER_FILES)
    return number
