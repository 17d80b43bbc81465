"""Turns exceptions into problem documents (RFC 9457).

What every route can raise is handled here; the module of a noun registers handlers for its own
exceptions.
"""

import logging
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from app.infra.database import Conflict, DatabaseUnavailable, NotRegistered
from app.infra.middleware import REQUEST_ID
from app.infra.problem import RETRY_AFTER_S, FieldError, problem_document

log = logging.getLogger(__name__)

# Paths and messages repeat at most this many characters of the request.
MAX_ECHO_LENGTH = 80


def problem(
    status: int,
    detail: str,
    kind: str | None = None,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem document; `kind` names problems that a client may distinguish."""
    request_id = request.environ.get(REQUEST_ID, "")
    response = Response(
        problem_document(status, detail, request_id, kind, errors),
        status,
        content_type="application/problem+json",
    )
    response.headers.update(headers or {})
    return response


def invalid(path: str, message: str, kind: str = "invalid") -> Response:
    """Return 422 for one field."""
    return problem(422, f"{path}: {message}", kind, [{"path": path, "message": message}])


def register(app: APIFlask) -> None:
    """Register the handlers of exceptions that any view may raise."""
    app.register_error_handler(ValidationError, _validation_error)
    app.register_error_handler(DatabaseUnavailable, _database_unavailable)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(NotRegistered, _not_registered)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(HTTPError, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def _validation_error(error: ValidationError) -> Response:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        reason = details[0]["msg"].removeprefix("Invalid JSON: ")
        return problem(400, f"The body is not JSON: {reason}.", "not_json")
    errors = [{"path": _path(detail["loc"]), "message": _message(detail)} for detail in details]
    first = errors[0]
    summary = f"{first['path']}: {first['message']}" if first["path"] else first["message"]
    return problem(422, summary, "invalid", errors)


def _path(location: tuple[int | str, ...]) -> str:
    """Return the field's path in the body, as `interests.surf`; long keys are cut."""
    parts = [str(part)[:MAX_ECHO_LENGTH] for part in location if part != "[key]"]
    return ".".join(parts)


def _message(detail: Any) -> str:
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "model_type":
        return "the body must be a JSON object"
    message: str = detail["msg"]
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _database_unavailable(error: Exception) -> Response:
    log.warning("database unavailable: %s", error)
    return problem(
        503,
        "The service cannot reach its database. Send the same request again.",
        "unavailable",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _conflict(error: Conflict) -> Response:
    return _database_unavailable(DatabaseUnavailable(f"conflict on {error}"))


def _not_registered(error: NotRegistered) -> Response:
    log.error("%s: run `manage.py model register`", error)
    return _database_unavailable(DatabaseUnavailable("the model is not registered"))


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not accept this method; Allow lists those it accepts.",
    413: "The body is larger than 16 KiB.",
}


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return Response.force_type(error.get_response())  # type: ignore[return-value]
    headers = dict(error.get_headers())
    # It describes HTML that is not sent.
    headers.pop("Content-Type", None)
    detail = _DETAILS.get(status) or error.description or ""
    return problem(status, detail, headers=headers)


def _http_error(error: HTTPError) -> Response:
    return problem(error.status_code, error.message or "", headers=dict(Headers(error.headers)))


def _unexpected_error(error: Exception) -> Response:
    # The exception's text may repeat what the user sent; the location is enough to find the bug.
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    location = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
    log.error("unexpected %s at %s", type(error).__name__, location)
    return problem(500, "The service failed; its log has the error under request_id.")
