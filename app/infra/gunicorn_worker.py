"""gunicorn's worker and logger, with what gunicorn 27.0 lacks: see each override's docstring."""

import logging
import os
import signal
import socket
import uuid
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from app.infra.problem import problem_document

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

# Requests that gunicorn refuses before the application; any other unparsable request is 400.
REFUSALS = {
    errors.LimitRequestLine: (414, "The address is longer than 4,094 characters."),
    errors.LimitRequestHeaders: (431, "There are too many headers, or one is too long."),
    errors.ExpectationFailed: (417, "The only supported Expect value is 100-continue."),
    errors.UnsupportedTransferCoding: (501, "The only supported Transfer-Encoding is chunked."),
}


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without its access log.

    With `logconfig_dict` gunicorn formats an access line for each request even where nothing writes
    it, a tenth of a request's cost; app.infra.middleware writes the service's.
    """

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that frees its port when the arbiter dies and refuses in problem documents.

    tests/faults/test_process_deaths.py and tests/infra/test_metrics_and_logs.py need the overrides.
    `signals_since_fork`: the arbiter's queue, set by gunicorn.conf.py.
    """

    signals_since_fork: "SimpleQueue[int]" = SimpleQueue()

    def init_signals(self) -> None:
        """Install the handlers, and deliver the signals that arrived since the fork.

        gunicorn 27.0 workers inherit the arbiter's handlers, which put a signal into a queue that
        no worker reads: a stop in that moment took the whole graceful_timeout and ended in SIGKILL.
        """
        super().init_signals()
        while not self.signals_since_fork.empty():
            number = self.signals_since_fork.get()
            if number in STOP_SIGNALS:
                os.kill(os.getpid(), number)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Exit at once, without the thread pool's lock.

        gunicorn 27.0 shuts the pool down in the signal handler, which deadlocks where the signal
        interrupts the pool's own `submit`.
        """
        super(ThreadWorker, self).handle_quit(sig, frame)

    def is_parent_alive(self) -> bool:
        """Return whether the arbiter lives; when it died, free the port within a second.

        gunicorn 27.0 notices the death too, but keeps serving the connections it has: with busy
        keep-alive clients it holds the port for the whole graceful_timeout, and a new arbiter gives
        up binding after 5 s.
        """
        if super().is_parent_alive():
            return True
        # Requests in progress are answered, and their responses close the connections.
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer an unparsable request with a problem document.

        gunicorn 27.0 answers HTML, and its error line repeats what the client sent.
        """
        if isinstance(exc, errors.ParseException):
            refusals = (refusal for kind, refusal in REFUSALS.items() if isinstance(exc, kind))
            status, detail = next(refusals, (400, "This is not an HTTP request."))
            log.info("request refused", extra={"fields": {"status": status}})
        else:
            # The exception's text may repeat what the client sent.
            log.error("unexpected %s outside the application", type(exc).__name__)
            status, detail = 500, "The service failed."
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
            log.debug("the client closed the connection")
