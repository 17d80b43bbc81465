"""Who may ask: every route wants a key, but for those on one list."""

import hashlib
import hmac

from flask import Flask, Request, Response
from flask.globals import request_ctx

from app.config import Settings
from app.web.errors import problem

# Everything else wants a key. The form's pages work before there is a user.
OPEN_ENDPOINTS = frozenset(
    {
        "cities.suggest",
        "clusters.browse",
        "clusters.interests",
        "docs.asset",
        "docs.page",
        "docs.script",
        "health.livez",
        "health.readyz",
        "openapi.spec",
        "page.show",
        "page.static",
    }
)
# Pages that a browser's own form asks for: it cannot send a header, so the key is one of its
# fields. Nothing is authenticated by a cookie, so no other site can make a browser ask for anybody,
# and the forms need no token against that.
FORM_ENDPOINTS = frozenset({"map.show", "page.ask", "page.forget"})
METRICS_ENDPOINT = "metrics.show"


def require_keys(app: Flask, settings: Settings) -> None:
    """Answer 401 to whoever brings none of the keys; with no keys (development) ask for none."""
    app.config["ASKS_FOR_KEY"] = bool(settings.api_keys)
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
        accepted = metrics_digests if endpoint == METRICS_ENDPOINT else digests
        if _matches(_presented(asked), accepted):
            return None
        return problem(
            401,
            "Send a key: Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": 'Bearer realm="nomad-rooms"'},
        )


def _presented(asked: Request) -> bytes:
    """The key that the request brings; empty, which is nobody's, when it brings none."""
    given: str = asked.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, key = given.partition(" ")
    if scheme.lower() == "bearer":
        # WSGI hands header bytes over as latin-1; encoding them back never fails.
        return key.strip().encode("latin-1")
    if asked.endpoint in FORM_ENDPOINTS:
        return asked.form.get("key", "").strip().encode()
    return b""


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
