"""JSON by orjson."""

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

# The published API ended its answers with a newline; so do all of ours.
OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson, which refuses lone surrogates, NaN and nesting bombs."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, option=OPTIONS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


class JsonResponse(Response):
    """An answer of JSON: one text, of a known length."""

    default_mimetype = "application/json"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or self._on_close:
            return super().__call__(environ, start_response)
        # Nothing to cut off for HEAD or a condition, no address to complete, nothing to close.
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response  # type: ignore[return-value]


def respond(document: Any, status: int = 200) -> Response:
    """An answer of JSON; dataclasses, times and lists are written as they are."""
    return JsonResponse(orjson.dumps(document, option=OPTIONS), status)
