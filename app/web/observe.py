"""The one middleware: a request id, a log line, the counters."""

import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask

from app.metrics import count_request

access_log = logging.getLogger("nomad_rooms.access")

REQUEST_ID = "nomad_rooms.request_id"
# What may stand in a header and a log line as it came.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:~-]{1,64}").fullmatch

STANDARD_ERROR = 2
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]


class Observe:
    """Around the whole application: takes or makes X-Request-ID, returns it, logs the request.

    The line has the route's template, never its path, query or body: those may name a user.
    """

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
            seconds = time.perf_counter() - began
            method, route, code = environ["REQUEST_METHOD"], _route(environ), int(status[:3])
            if method not in METHODS:
                method = "other"  # anybody can make one up, and each would be a series
            count_request(method, route, code, seconds)
            if access_log.isEnabledFor(logging.INFO):
                line = {
                    "at": datetime.now(UTC),
                    "level": "info",
                    "event": "request",
                    "logger": access_log.name,
                    "method": method,
                    "route": route,
                    "status": code,
                    "ms": round(seconds * 1000, 2),
                    "request_id": request_id,
                    "room_created": environ.get("nomad_rooms.room_created", False),
                }
                _write(orjson.dumps(line, option=LINE))
            return start_response(status, headers, exc_info)

        return self.wsgi_app(environ, start)


def _write(line: bytes) -> None:
    """A line to standard error, past the logging module: its records take longer than a request's
    other notes together. One write, so that lines of several threads and workers stay whole."""
    # A log that is full or gone fails nobody's request.
    with suppress(OSError):
        os.write(STANDARD_ERROR, line)


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
