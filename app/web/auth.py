"""Who may ask: every route wants a key, but for those on one list."""

import hashlib
import hmac

from flask import Flask, Response, request

from app.web.errors import problem

OPEN_ENDPOINTS = frozenset({"health.livez", "health.readyz", "cities.suggest"})


def require_keys(app: Flask, api_keys: tuple[str, ...]) -> None:
    """Answer 401 to whoever brings none of the keys; with no keys (development) ask for none."""
    if not api_keys:
        return
    digests = [_digest(key.encode()) for key in api_keys]

    @app.before_request
    def check_key() -> Response | None:
        # No endpoint: there is nothing at this address, for anybody. OPTIONS: browsers ask it
        # without credentials, and it tells nothing.
        if (
            request.endpoint is None
            or request.endpoint in OPEN_ENDPOINTS
            or request.method == "OPTIONS"
        ):
            return None
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        # WSGI hands header bytes over as latin-1; encoding them back never fails.
        if scheme.lower() == "bearer" and _matches(key.strip().encode("latin-1"), digests):
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
