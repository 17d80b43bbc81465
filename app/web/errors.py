"""The one place that turns exceptions into problem documents (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from app.assignment import NoInterests
from app.cities.service import UnknownCity, UnusableName
from app.db import Conflict, DatabaseUnavailable
from app.members.service import UnknownUser
from app.rooms.service import UnknownRoom

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1
# What a path in `errors` or a message repeats of the request is cut here.
LONGEST_ECHO = 80

Fault = dict[str, str]


def problem(
    status: int,
    detail: str,
    kind: str | None = None,
    errors: list[Fault] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document; `kind` names problems that a client may want to tell apart."""
    request_id = request.environ.get("nomad_rooms.request_id", "")
    response = Response(
        problem_document(status, detail, request_id, kind, errors),
        status,
        content_type="application/problem+json",
    )
    response.headers.update(headers or {})
    return response


def problem_document(
    status: int,
    detail: str,
    request_id: str,
    kind: str | None = None,
    errors: list[Fault] | None = None,
) -> bytes:
    """The document alone, for what never reached the application."""
    document = {
        "type": f"urn:nomad-rooms:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or [],
        "request_id": request_id,
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def invalid(path: str, message: str, kind: str = "invalid") -> Response:
    """422 for one field."""
    return problem(422, f"{path}: {message}", kind, [{"path": path, "message": message}])


def register(app: APIFlask) -> None:
    """Give every exception that can leave a view its answer."""
    handle = app.register_error_handler
    handle(ValidationError, _invalid_request)
    handle(UnusableName, lambda error: invalid("city", "must have a letter or a digit"))
    handle(UnknownCity, lambda error: invalid("city_id", "is no city's id", "unknown_city"))
    handle(NoInterests, _no_interests)
    handle(UnknownRoom, lambda error: problem(404, "There is no room of this id.", "unknown_room"))
    handle(UnknownUser, lambda error: problem(404, "There is no user of this id.", "unknown_user"))
    handle(DatabaseUnavailable, _unavailable)
    handle(Conflict, _unregistered)
    handle(HTTPException, _http_exception)
    handle(HTTPError, _http_error)
    handle(Exception, _bug)


def _invalid_request(error: ValidationError) -> Response:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        reason = faults[0]["msg"].removeprefix("Invalid JSON: ")
        return problem(400, f"The body is not JSON: {reason}.", "not_json")
    errors = [{"path": _path(fault["loc"]), "message": _message(fault)} for fault in faults]
    first = errors[0]
    detail = f"{first['path']}: {first['message']}" if first["path"] else first["message"]
    return problem(422, detail, "invalid", errors)


def _path(location: tuple[int | str, ...]) -> str:
    """Where in the body: `interests.surf`, cut where the client's own key is endless."""
    parts = [str(part)[:LONGEST_ECHO] for part in location if part != "[key]"]
    return ".".join(parts)


def _message(fault: Any) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "model_type":
        return "the body must be a JSON object"
    message: str = fault["msg"]
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _no_interests(error: NoInterests) -> Response:
    message = f"tick at least one that the model knows: {', '.join(error.known)}"
    return invalid("interests", message, "no_interests")


def _unavailable(error: DatabaseUnavailable) -> Response:
    log.warning("database unavailable: %s", error)
    return problem(
        503,
        "The service cannot reach its database just now. Send the same request again.",
        "unavailable",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _unregistered(error: Conflict) -> Response:
    log.error("%s: run `manage.py model register`", error.constraint or "conflict")
    return _unavailable(DatabaseUnavailable("the model is not registered"))


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return Response.force_type(error.get_response())  # type: ignore[return-value]
    headers = dict(error.get_headers())
    # It describes HTML that is not sent.
    headers.pop("Content-Type", None)
    detail = _DETAILS.get(status) or error.description or ""
    return problem(status, detail, headers=headers)


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method; Allow lists those it takes.",
    413: "The body is larger than 16 KiB.",
}


def _http_error(error: HTTPError) -> Response:
    return problem(error.status_code, error.message or "", headers=dict(Headers(error.headers)))


def _bug(error: Exception) -> Response:
    # The text of an exception may hold what the user sent; where it came from is enough to find it.
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
    log.error("unexpected %s at %s", type(error).__name__, place)
    return problem(500, "Something broke on our side; the log has it under request_id.")
