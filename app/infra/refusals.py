"""Answers to requests that do not reach the application."""

import logging
import uuid
from typing import NamedTuple

from gunicorn.http import errors

from app.infra.http_framing import Completeness
from app.infra.metrics import count_request
from app.infra.problem import RETRY_AFTER_S, TITLES, problem_document

log = logging.getLogger(__name__)

CLOSE = "Connection: close\r\n"


class Refusal(NamedTuple):
    """Status, explanation and header lines of an answer."""

    status: int
    detail: str
    headers: str = CLOSE
    kind: str | None = None


NOT_HTTP = Refusal(400, "This is not an HTTP request.")
TOO_MANY_HEADERS = Refusal(431, "There are too many headers, or one is too long.")
# By gunicorn's exception; any other request that it cannot parse is 400.
UNPARSABLE = {
    errors.LimitRequestLine: Refusal(414, "The address is longer than 4,094 characters."),
    errors.LimitRequestHeaders: TOO_MANY_HEADERS,
    errors.ExpectationFailed: Refusal(417, "The only supported Expect value is 100-continue."),
    errors.UnsupportedTransferCoding: Refusal(
        501, "The only supported Transfer-Encoding is chunked."
    ),
    errors.ParseException: NOT_HTTP,
    errors.NoMoreData: NOT_HTTP,
}
TOO_LARGE = {
    Completeness.HEAD_TOO_LARGE: TOO_MANY_HEADERS,
    Completeness.CHUNKS_TOO_LARGE: Refusal(413, "The body is larger than 16 KiB."),
}
TOO_SLOW = Refusal(408, "The request did not arrive within 10 seconds.")
OVERLOADED = Refusal(
    503,
    "The service has more requests than it can answer. Send the same request again.",
    f"Retry-After: {RETRY_AFTER_S}\r\n",
    "unavailable",
)
FAILED = Refusal(500, "The service failed.")


def refusal_of(error: Exception) -> Refusal:
    """Return the answer to a request that gunicorn or the application could not process."""
    for kind, answer in UNPARSABLE.items():
        if isinstance(error, kind):
            return answer
    # The exception's text may repeat what the client sent.
    log.error("unexpected %s outside the application", type(error).__name__)
    return FAILED


def refusal(answer: Refusal) -> bytes:
    """Return a response in bytes, with a problem document; log and count it."""
    log.info("request refused", extra={"fields": {"status": answer.status}})
    count_request("other", "none", answer.status, 0.0)
    request_id = uuid.uuid4().hex
    body = problem_document(answer.status, answer.detail, request_id, answer.kind)
    head = (
        f"HTTP/1.1 {answer.status} {TITLES[answer.status]}\r\n{answer.headers}"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body
