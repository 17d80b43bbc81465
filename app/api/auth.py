"""API keys: every route needs one, except those on one list."""

import functools
import hashlib
import hmac

from flask import Flask, Request, Response, request

from app.api.errors import problem
from app.config import Settings

# Everything else needs a key. The pages work before there is a user.
OPEN_ENDPOINTS = frozenset(
    {
        "cities.suggest",
        "clusters.browse",
        "clusters.interests",
        "docs.document",
        "docs.page",
        "docs.static",
        "health.livez",
        "health.readyz",
        "openapi.spec",
        "page.show",
        "page.static",
        "site.robots",
    }
)
# A browser's form cannot send a header, so its key is a form field. No cookie authenticates, so
# another site cannot make a browser send a valid form, and the forms need no CSRF token.
FORM_ENDPOINTS = frozenset({"map.show", "page.ask", "page.forget"})
METRICS_ENDPOINT = "metrics.show"
MAX_CACHED_HEADERS = 64


def require_keys(app: Flask, settings: Settings) -> None:
    """Answer 401 to requests without a valid key; without keys (development) require none."""
    app.config["REQUIRES_KEY"] = bool(settings.api_keys)
    if not settings.api_keys:
        return
    digests = [_digest(key.encode()) for key in settings.api_keys]
    metrics_digests = [_digest(settings.metrics_key.encode())] if settings.metrics_key else []

    # A cached answer is found by a hash with a per-process random seed, so its timing reveals no
    # more than the comparison's.
    @functools.lru_cache(maxsize=MAX_CACHED_HEADERS)
    def is_valid_header(header: str, is_metrics: bool) -> bool:
        return _matches(_bearer_key(header) or b"", metrics_digests if is_metrics else digests)

    @app.before_request
    def check_key() -> Response | None:
        endpoint = request.endpoint
        # Without an endpoint the answer is 404 for everybody. Browsers send OPTIONS without
        # credentials, and its answer reveals nothing.
        if endpoint is None or endpoint in OPEN_ENDPOINTS or request.method == "OPTIONS":
            return None
        header = request.environ.get("HTTP_AUTHORIZATION", "")
        if is_valid_header(header, endpoint == METRICS_ENDPOINT):
            return None
        if (
            endpoint in FORM_ENDPOINTS
            and _bearer_key(header) is None
            and _matches(_form_key(request), digests)
        ):
            return None
        return problem(
            401,
            "Send a key: Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": 'Bearer realm="nomad-rooms"'},
        )


def _bearer_key(header: str) -> bytes | None:
    """Return the key of an Authorization header; None when its scheme is not Bearer."""
    scheme, _, key = header.partition(" ")
    # WSGI decodes header bytes as latin-1; encoding them back never fails.
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else None


def _form_key(request: Request) -> bytes:
    key: str = request.form.get("key", "")
    return key.strip().encode()


def _matches(key: bytes, digests: list[bytes]) -> bool:
    """Compare a key with every digest in constant time."""
    presented = _digest(key)
    found = False
    for digest in digests:
        found |= hmac.compare_digest(presented, digest)
    return found


def _digest(key: bytes) -> bytes:
    # Digests have one length, so that the comparison does not reveal the key's.
    return hashlib.sha256(key).digest()
