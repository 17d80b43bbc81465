"""WSGI middleware: a request id, the request counters and the access log."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from app.infra.metrics import count_request

access_log = logging.getLogger("nomad_rooms.access")

# Keys of the WSGI environment.
REQUEST_ID = "nomad_rooms.request_id"
ROOM_CREATED = "nomad_rooms.room_created"
# Accepted unchanged in a header and in a log line.
is_valid_request_id = re.compile(r"[A-Za-z0-9._:~-]{1,64}").fullmatch
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]


class RequestMiddleware:
    """Takes or makes X-Request-ID, returns it, and records each response.

    The log line holds the route's template and never the path, query or body, which may identify a
    user.
    """

    def __init__(self, wsgi_app: WsgiApp) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started = time.perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        if not is_valid_request_id(request_id):
            # It needs to be unique, not unpredictable.
            request_id = f"{random.getrandbits(128):032x}"
        environ[REQUEST_ID] = request_id

        def record_and_start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Any:
            headers.append(("X-Request-ID", request_id))
            _record(environ, int(status[:3]), time.perf_counter() - started)
            return start_response(status, headers, exc_info)

        return self.wsgi_app(environ, record_and_start)


def _record(environ: Environ, status: int, seconds: float) -> None:
    method = environ["REQUEST_METHOD"]
    if method not in METHODS:
        # Clients can send any method, and each label value is a time series.
        method = "other"
    route = _route(environ)
    count_request(method, route, status, seconds)
    if access_log.isEnabledFor(logging.INFO):
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": environ[REQUEST_ID],
            "room_created": environ.get(ROOM_CREATED, False),
        }
        # Not access_log.info, which would look for the calling line in the stack.
        record = {"name": access_log.name, "levelno": logging.INFO, "levelname": "INFO"}
        access_log.handle(logging.makeLogRecord(record | {"msg": "request", "fields": fields}))


def _route(environ: Environ) -> str:
    """Return the template of the matched route; werkzeug keeps its Request in the environment."""
    request = environ.get("werkzeug.request")
    rule = request.url_rule if request else None
    return rule.rule if rule else "none"
