"""The gunicorn worker: gives its port free in time, and refuses in problem documents."""

import logging
import socket
import time
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from app.web.errors import problem_document
from app.web.observe import NOTES

log = logging.getLogger(__name__)

# So long may answers wait to be counted and logged. In the first of a quiet time none waits.
KEPT_S = 0.05

# What gunicorn cannot parse never reaches the application; anything else unparsable is 400.
STATUSES = {
    errors.LimitRequestLine: (414, "The address is longer than 4,094 characters."),
    errors.LimitRequestHeaders: (431, "There are too many headers, or one is too long."),
    errors.ExpectationFailed: (417, "The only Expect known is 100-continue."),
    errors.UnsupportedTransferCoding: (501, "The only Transfer-Encoding known is chunked."),
}


class Log(Logger):  # type: ignore[misc]
    """gunicorn's log, without the line of each request that it makes up for a configured logging
    even where nobody reads it: a tenth of what a request costs."""

    access_log_enabled = False


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker of threads, whose main one writes what the others noted of their answers."""

    notes_due = 0.0

    def run(self) -> None:
        """Serve until told to stop."""
        NOTES.keep()
        try:
            super().run()
        finally:
            NOTES.write()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the loop: what came on sockets, then the notes, at most KEPT_S old."""
        super().wait_for_and_dispatch_events(min(timeout, KEPT_S) if NOTES else timeout)
        if NOTES and (now := time.monotonic()) >= self.notes_due:
            NOTES.write()
            self.notes_due = now + KEPT_S

    def is_parent_alive(self) -> bool:
        """Whether the arbiter lives; when it is gone, the port is given free within a second.

        gunicorn's own notices the death too, but goes on as before on the connections it has: with
        clients that keep theirs busy it holds the port for the whole graceful_timeout, and a new
        arbiter gives up after 5 s.
        """
        if super().is_parent_alive():
            return True
        # What is under way is answered, and the answers tell clients to connect anew.
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP request, in the shape of every other error."""
        if not isinstance(exc, errors.ParseException):
            # Its text may hold what the user sent.
            log.error("unexpected %s outside the application", type(exc).__name__)
            status, detail = 500, "Something broke on our side."
        else:
            known = (told for kind, told in STATUSES.items() if isinstance(exc, kind))
            status, detail = next(known, (400, "This is not an HTTP request."))
            log.info("request refused", extra={"fields": {"status": status}})
        request_id = uuid.uuid4().hex
        body = problem_document(status, detail, request_id)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
            f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-ID: {request_id}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            log.debug("the client is gone")
