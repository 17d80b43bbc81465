"""Who may ask: every route wants a key, but for those on one list."""

import functools
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
REMEMBERED = 64


def require_keys(app: Flask, settings: Settings) -> None:
    """Answer 401 to whoever brings none of the keys; with no keys (development) ask for none."""
    app.config["ASKS_FOR_KEY"] = bool(settings.api_keys)
    if not settings.api_keys:
        return
    digests = [_digest(key.encode()) for key in settings.api_keys]
    metrics_digests = [_digest(settings.metrics_key.encode())] if settings.metrics_key else []

    # Of a header met before the answer is known: it is looked up by a hash that each process seeds
    # by chance, so the time it takes tells no more than the comparison would.
    @functools.lru_cache(maxsize=REMEMBERED)
    def opens(header: str, is_metrics: bool) -> bool:
        return _matches(_bearer(header) or b"", metrics_digests if is_metrics else digests)

    @app.before_request
    def check_key() -> Response | None:
        # Without the proxy, which is looked through at each attribute.
        asked = request_ctx.request
        endpoint = asked.endpoint
        # No endpoint: there is nothing at this address, for anybody. OPTIONS: browsers ask it
        # without credentials, and it tells nothing.
        if endpoint is None or endpoint in OPEN_ENDPOINTS or asked.method == "OPTIONS":
            return None
        header = asked.environ.get("HTTP_AUTHORIZATION", "")
        if opens(header, endpoint == METRICS_ENDPOINT):
            return None
        if (
            endpoint in FORM_ENDPOINTS
            and _bearer(header) is None
            and _matches(_of_form(asked), digests)
        ):
            return None
        return problem(
            401,
            "Send a key: Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": 'Bearer realm="nomad-rooms"'},
        )


def _bearer(header: str) -> bytes | None:
    """The key in an Authorization header, empty or not; None when it speaks of no Bearer."""
    scheme, _, key = header.partition(" ")
    # WSGI hands header bytes over as latin-1; encoding them back never fails.
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else None


def _of_form(asked: Request) -> bytes:
    key: str = asked.form.get("key", "")
    return key.strip().encode()


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
