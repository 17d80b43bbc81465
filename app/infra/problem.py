"""Problem documents (RFC 9457), the one shape of every error over HTTP."""

from http import HTTPStatus

import orjson

FieldError = dict[str, str]
# In the header Retry-After of each 503.
RETRY_AFTER_S = 1
# By status. Python 3.13 renamed four, but a title stays the same, whatever Python runs the service.
TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}


def problem_document(
    status: int,
    detail: str,
    request_id: str,
    kind: str | None = None,
    errors: list[FieldError] | None = None,
) -> bytes:
    """Return a problem document as JSON; `kind` names problems that a client may distinguish."""
    document = {
        "type": f"urn:nomad-rooms:{kind}" if kind else "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "errors": errors or [],
        "request_id": request_id,
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
