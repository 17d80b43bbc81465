"""A gunicorn worker whose threads never wait for a client.

    client ─▶ loop ─▶ thread ─▶ loop ─▶ client

The loop reads whole requests and sends what is left of responses; only the application runs in
threads. Every wait for a client has a deadline. gunicorn 27.0 reads and sends in threads, which a
few slow clients can hold for ever: tests/faults/test_slow_clients.py.
"""

import math
import resource
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from functools import partial
from io import BytesIO
from selectors import EVENT_READ, EVENT_WRITE
from types import SimpleNamespace
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from app.infra.http_connection import Connection, Disconnected, Request, ResponseBuffer
from app.infra.http_framing import MAX_BODY_BYTES
from app.infra.overload import QueueLimit
from app.infra.refusals import OVERLOADED, TOO_LARGE, TOO_SLOW, refusal, refusal_of

# A kept connection may already carry its next request when the worker stops.
LINGER_AFTER_STOP_S = 2.0
# Slow readers must not fill the memory with their responses.
MAX_UNSENT_BYTES = 32 * 1024 * 1024
# Database connections, the log, metrics and the files of the interpreter.
OTHER_FILES = 100
# These need no database, and tell a platform whether to restart the process.
LIVENESS = (b"GET /livez HTTP/", b"HEAD /livez HTTP/")


class Phase(IntEnum):
    """What a connection waits for: its next request, the rest of one, to send, or its end."""

    IDLE = 0
    ARRIVING = 1
    SENDING = 2
    CLOSING = 3


DROPPED_FIRST = (Phase.IDLE, Phase.CLOSING, Phase.ARRIVING, Phase.SENDING)
# An idle connection is kept for gunicorn's keepalive setting.
LIMITS_S = {Phase.ARRIVING: 10.0, Phase.SENDING: 60.0, Phase.CLOSING: 2.0}


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that buffers requests and responses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By phase the waiting connections, the next deadline first.
        self.waiting: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self.limits_s = LIMITS_S | {Phase.IDLE: self.cfg.keepalive or LIMITS_S[Phase.ARRIVING]}
        self.queue_limit = QueueLimit()
        self.unsent_bytes = 0
        self.idle_until = math.inf

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse settings that the worker does not support. Raises SystemExit."""
        if cfg.is_ssl:
            raise SystemExit("TLS ends in a proxy in front of the service, not in gunicorn")

    def init_process(self) -> None:
        """Run the worker."""
        # A service whose threads all wait for the database is alive.
        self.liveness_pool = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def accept(self, listener: socket.socket) -> bool:
        """Accept a client, and begin to read its request; return False if none is queued.

        gunicorn 27.0 gives the connection to a thread, which then waits for the client.
        """
        try:
            sock, address = listener.accept()
        except OSError:
            return False
        self.nr_conns += 1
        connection = Connection(sock, address, listener.getsockname())
        self._wait(connection, Phase.IDLE)
        self._on_event(connection, sock)
        return True

    def _wait(self, connection: Connection, phase: Phase) -> None:
        """Let a connection wait for its client."""
        self._begin_phase(connection, phase)
        event = EVENT_WRITE if phase is Phase.SENDING else EVENT_READ
        self.poller.register(connection.sock, event, partial(self._on_event, connection))
        if self.nr_conns >= self.worker_connections:
            self._drop_another(connection)

    def _drop_another(self, connection: Connection) -> None:
        """Make room: at its limit the loop accepts no client, even if all that it has are idle."""
        waiting = (other for phase in DROPPED_FIRST for other in self.waiting[phase])
        if other := next((other for other in waiting if other is not connection), None):
            self._drop(other)

    def _begin_phase(self, connection: Connection, phase: Phase) -> None:
        connection.phase = phase
        connection.deadline = time.monotonic() + self.limits_s[phase]
        self.waiting[phase][connection] = None

    def _stop_waiting(self, connection: Connection) -> None:
        del self.waiting[connection.phase][connection]
        self.poller.unregister(connection.sock)
        if connection.phase is Phase.SENDING:
            self.unsent_bytes -= connection.output_bytes

    def _drop(self, connection: Connection) -> None:
        """Close a waiting connection at once."""
        self._stop_waiting(connection)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self.nr_conns -= 1
        connection.sock.close()

    def _on_event(self, connection: Connection, sock: Any) -> None:
        if connection not in self.waiting[connection.phase]:
            return  # dropped for another one, whose event came together with its own
        if connection.phase is Phase.SENDING:
            self._send(connection)
        elif connection.phase is Phase.CLOSING:
            self._discard(connection)
        else:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        """Read a part of a request, and give it to a thread when it is whole."""
        try:
            connection.receive()
            is_whole = connection.take_request()
        except Disconnected:
            self._drop(connection)
            return
        if is_whole:
            self._stop_waiting(connection)
            self.enqueue_req(connection)
        elif connection.phase is Phase.IDLE and connection.input:
            del self.waiting[Phase.IDLE][connection]
            self._begin_phase(connection, Phase.ARRIVING)

    def _send(self, connection: Connection) -> None:
        """Send a part of a response."""
        try:
            connection.send()
        except Disconnected:
            connection.is_kept = False
        if not connection.output:
            self._stop_waiting(connection)
            self._continue(connection)

    def _discard(self, connection: Connection) -> None:
        """Ignore what a client sends after the last response, until it has closed too."""
        try:
            connection.discard()
        except Disconnected:
            self._drop(connection)

    def enqueue_req(self, conn: Connection) -> None:
        """Give a whole request to a thread."""
        assert conn.request is not None
        pool = self.liveness_pool if is_probe(conn.request) else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def finish_request(self, conn: Connection, fs: "Future[None] | None" = None) -> None:
        """Send what the kernel did not take of a response, and go on with the connection.

        gunicorn 27.0 closes connections here, and each blocks the loop for up to 2 s.
        """
        conn.request = None
        if not conn.output:
            self._continue(conn)
            return
        self.unsent_bytes += conn.output_bytes
        self._wait(conn, Phase.SENDING)
        while self.unsent_bytes > MAX_UNSENT_BYTES:
            self._drop(next(iter(self.waiting[Phase.SENDING])))

    def _continue(self, connection: Connection) -> None:
        """Begin with the next request of a connection, or close it."""
        try:
            if not connection.is_kept:
                connection.close_output()
                self._wait(connection, Phase.CLOSING)
            elif connection.take_request():  # it came with the one before
                self.enqueue_req(connection)
            else:
                self._wait(connection, Phase.ARRIVING if connection.input else Phase.IDLE)
        except Disconnected:
            self._close(connection)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close the connections whose clients are too slow, or all."""
        now = time.monotonic()
        if not self.alive:
            self.idle_until = min(self.idle_until, now + LINGER_AFTER_STOP_S)
        for phase, waiting in self.waiting.items():
            until = self.idle_until if phase is Phase.IDLE else math.inf
            while waiting:
                connection = next(iter(waiting))
                if not force and now < min(connection.deadline, until):
                    break
                self._expire(connection)

    def _expire(self, connection: Connection) -> None:
        if connection.phase is not Phase.ARRIVING:
            self._drop(connection)
            return
        self._stop_waiting(connection)
        response = ResponseBuffer()
        response.sendall(refusal(TOO_SLOW))
        connection.is_kept = False
        connection.respond(response)
        self.finish_request(connection)

    def handle(self, conn: Connection) -> None:
        """Answer a connection's request; runs in a thread."""
        assert conn.request is not None
        response = ResponseBuffer()
        completeness = conn.request.completeness
        if completeness in TOO_LARGE:
            conn.is_kept = False
            response.sendall(refusal(TOO_LARGE[completeness]))
        # Probes have a thread of their own: that they never wait says nothing about the queue.
        elif not is_probe(conn.request) and self.queue_limit.is_exceeded(conn.request.arrived_at):
            response.sendall(refusal(OVERLOADED))
        else:
            conn.is_kept = self._run(conn, conn.request, response)
        conn.respond(response)

    def _run(self, connection: Connection, request: Request, response: ResponseBuffer) -> bool:
        """Run the application; return whether the connection may be kept."""
        parser = RequestParser(self.cfg, [request.data], connection.client)
        parsed = None
        try:
            parsed = next(parser)
            if request.is_chunked:
                # A malformed chunk is refused here, and not where the application reads.
                body = parsed.body.read(MAX_BODY_BYTES + 1)
                parsed.body, is_whole = BytesIO(body), len(body) <= MAX_BODY_BYTES
            else:
                is_whole = content_length(parsed) == request.body_length
            if not is_whole:
                parsed.force_close()
            peer = SimpleNamespace(
                sock=response, client=connection.client, server=connection.server
            )
            is_kept: bool = self.handle_request(parsed, peer)
        except StopIteration:
            return False
        except Exception as error:
            self.handle_error(parsed, response, connection.client, error)
            return False
        return is_kept and not parser.unreader.take_buffered()

    def handle_error(self, req: Any, client: ResponseBuffer, addr: Any, exc: Exception) -> None:
        """Answer an unparsable request with a problem document.

        gunicorn 27.0 answers HTML, and its error line repeats what the client sent.
        """
        client.sendall(refusal(refusal_of(exc)))


def allow_connections(number: int) -> int:
    """Let a worker have this many clients, or as many as the process may have open files."""
    files = number + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - OTHER_FILES)
    return number


def is_probe(request: Request) -> bool:
    """Return whether a platform asks whether the process lives."""
    return not request.is_chunked and request.data.startswith(LIVENESS)


def content_length(parsed: Any) -> int:
    """Return the length of the body that gunicorn's parser expects."""
    return next((int(value) for name, value in parsed.headers if name == "CONTENT-LENGTH"), 0)
