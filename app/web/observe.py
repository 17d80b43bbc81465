"""The one middleware: a request id, and a note of each answer for the counters and the log."""

import logging
import os
import random
import re
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, NamedTuple

import orjson
from flask import Flask
from prometheus_client import Counter

from app.metrics import ROOMS, count_request

access_log = logging.getLogger("nomad_rooms.access")

# Keys of the environment: the request's id, and what it is to be counted as, besides an answer.
REQUEST_ID = "nomad_rooms.request_id"
COUNTED = "nomad_rooms.counted"
# What may stand in a header and a log line as it came.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:~-]{1,64}").fullmatch

STANDARD_ERROR = 2
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
# A pipe takes so many bytes whole, whoever else writes to it (POSIX asks for 512, Linux has 4096).
WHOLE = 4096
MOST_KEPT = 10_000

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]


class Answered(NamedTuple):
    """An answer, as counters and the log tell it.

    `route` is the template, never the path, query or body: those may name a user. `at`: seconds
    since 1970. `counted`: counters of what else it did.
    """

    at: float
    method: str
    route: str
    status: int
    seconds: float
    request_id: str
    counted: Sequence[Counter]


class Notes:
    """Answers to be counted and logged: each at once, or together by whoever keeps them back.

    To write a line gives up the interpreter's lock, for which all other threads are waiting: that
    costs a request more than the line itself. The gunicorn worker's loop writes them between two
    looks at its sockets instead.
    """

    def __init__(self) -> None:
        # Nobody reads the log: the oldest lines go first, before the process grows.
        self._kept: deque[Answered] = deque(maxlen=MOST_KEPT)
        self._lines: deque[bytes] = deque(maxlen=MOST_KEPT)
        self._keeps = False
        self._writing = Lock()

    def keep(self) -> None:
        """Leave it to the caller to `write`."""
        self._keeps = True

    def add(self, answered: Answered) -> None:
        """Take a note."""
        self._kept.append(answered)
        if not self._keeps:
            self.write()

    def __bool__(self) -> bool:
        return bool(self._kept or self._lines)

    def write(self) -> None:
        """Count what was kept, and log it as far as the log takes it now."""
        with self._writing:
            self._count()
            # A log that is full or gone fails nobody's request.
            with suppress(OSError):
                while self._lines and _is_writable(STANDARD_ERROR):
                    os.write(STANDARD_ERROR, self._whole())

    def _count(self) -> None:
        logs = access_log.isEnabledFor(logging.INFO)
        while self._kept:
            answered = self._kept.popleft()
            count_request(answered.method, answered.route, answered.status, answered.seconds)
            for counter in answered.counted:
                counter.inc()
            if logs:
                self._lines.append(_line(answered))

    def _whole(self) -> bytes:
        """As many lines as one write keeps together, so that those of several workers do not mix:
        past the logging module, whose records take longer than a request's other notes."""
        taken = self._lines.popleft()
        while self._lines and len(taken) + len(self._lines[0]) <= WHOLE:
            taken += self._lines.popleft()
        return taken


NOTES = Notes()


class Observe:
    """Around the whole application: takes or makes X-Request-ID, returns it, notes the answer."""

    def __init__(self, wsgi_app: WsgiApp) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        began = time.perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        if not ACCEPTED_REQUEST_ID(request_id):
            # Nobody has to be unable to guess it.
            request_id = f"{random.getrandbits(128):032x}"
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-ID", request_id))
            method = environ["REQUEST_METHOD"]
            answered = Answered(
                time.time(),
                # Anybody can make one up, and each would be a series.
                method if method in METHODS else "other",
                _route(environ),
                int(status[:3]),
                time.perf_counter() - began,
                request_id,
                environ.get(COUNTED, ()),
            )
            NOTES.add(answered)
            return start_response(status, headers, exc_info)

        return self.wsgi_app(environ, start)


def _line(answered: Answered) -> bytes:
    line = {
        "at": datetime.fromtimestamp(answered.at, UTC),
        "level": "info",
        "event": "request",
        "logger": access_log.name,
        "method": answered.method,
        "route": answered.route,
        "status": answered.status,
        "ms": round(answered.seconds * 1000, 2),
        "request_id": answered.request_id,
        "room_created": ROOMS in answered.counted,
    }
    return orjson.dumps(line, option=LINE)


def _is_writable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _route(environ: Environ) -> str:
    """The template of the route that was found, as the Request in the environment has it."""
    request = environ.get("werkzeug.request")
    rule = request.url_rule if request else None
    return rule.rule if rule else "none"


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


def observe(app: Flask) -> None:
    """Wrap the application."""
    app.wsgi_app = Observe(app.wsgi_app)  # type: ignore[method-assign]


class WithoutRequests(logging.Filter):
    """Takes what a client sent out of gunicorn's own line: paths and headers hold ids and keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Error handling request"):
            record.msg, record.args, record.exc_info = "error handling request", (), None
        return True


def logging_config(level: str) -> dict[str, Any]:
    """logging.config.dictConfig's dictionary: every logger's lines to standard error, as JSON."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "filters": {"without_requests": {"()": WithoutRequests}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["without_requests"],
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": level, "propagate": True}},
    }
