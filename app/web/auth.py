"""Who may ask: every route wants a key, but for those on one list."""

import hashlib
import hmac

from flask import Flask, Response
from flask.globals import request_ctx

from app.config import Settings
from app.web.errors import problem

# Everything else wants a key. The form's pages work before there is a user.
OPEN_ENDPOINTS = frozenset(
    {
        "cities.suggest",
        "docs.asset",
        "docs.page",
        "docs.script",
        "health.livez",
        "health.readyz",
        "openapi.spec",
    }
)
METRICS_ENDPOINT = "metrics.show"


def require_keys(app: Flask, settings: Settings) -> None:
    """Answer 401 to whoever brings none of the keys; with no keys (development) ask for none."""
    if not settings.api_keys:
        return
    digests = [_digest(key.encode()) for key in settings.api_keys]
    metrics_digests = [_digest(settings.metrics_key.encode())] if settings.metrics_key else []

    @app.before_request
    def check_key() -> Response | None:
        # Without the proxy, which is looked through at each attribute.
        asked = request_ctx.request
        endpoint = asked.endpoint
        # No endpoint: there is nothing at this address, for anybody. OPTIONS: browsers ask it
        # without credentials, and it tells nothing.
        if endpoint is None or endpoint in OPEN_ENDPOINTS or asked.method == "OPTIONS":
            return None
        scheme, _, key = asked.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        accepted = metrics_digests if endpoint == METRICS_ENDPOINT else digests
        # WSGI hands header bytes over as latin-1; encoding them back never fails.
        if scheme.lower() == "bearer" and _matches(key.strip().encode("latin-1"), accepted):
            return None
        return problem(
            401,
            "Send a key: Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": 'Bearer realm="nomad-rooms"'},
        )


def _matches(key: bytes, digests: list[bytes]) -> bool:
    """Whether the key is one of them, in a time that tells neither which nor how nearly."""
    presented = _digest(key)
    found = False
    for digest in digests:
        found |= hmac.compare_digest(presented, digest)
    return found


def _digest(key: bytes) -> bytes:
    # Of one length, so that the comparison does not tell the key's.
    return hashlib.sha256(key).digest()
