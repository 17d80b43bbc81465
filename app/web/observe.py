"""The one middleware: a request id, a log line, the counters."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Flask, Response, request

from app.metrics import count_request

access_log = logging.getLogger("nomad_rooms.access")

ROUTE = "nomad_rooms.route"
REQUEST_ID = "nomad_rooms.request_id"
# What may stand in a header and a log line as it came.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:~-]{1,64}").fullmatch

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

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
            request_id = uuid.uuid4().hex
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-ID", request_id))
            seconds = time.perf_counter() - began
            method, route = environ["REQUEST_METHOD"], environ.get(ROUTE, "none")
            if method not in METHODS:
                method = "other"  # anybody can make one up, and each would be a series
            count_request(method, route, int(status[:3]), seconds)
            access_log.info(
                "request",
                extra={
                    "fields": {
                        "method": method,
                        "route": route,
                        "status": int(status[:3]),
                        "ms": round(seconds * 1000, 2),
                        "request_id": request_id,
                        "room_created": environ.get("nomad_rooms.room_created", False),
                    }
                },
            )
            return start_response(status, headers, exc_info)

        return self.wsgi_app(environ, start)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def observe(app: Flask) -> None:
    """Wrap the application, and note each request's route template for the line."""
    app.wsgi_app = Observe(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def note_route() -> Response | None:
        if request.url_rule:
            request.environ[ROUTE] = request.url_rule.rule
        return None


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
