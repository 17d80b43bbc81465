"""Addresses of the pages' files: they contain a hash of the content, so that it can be cached."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, request

STATIC = ".static"
YEAR_S = 365 * 86_400


def add_version(endpoint: str, values: dict[str, Any]) -> None:
    """Add the version of a blueprint's static file to its address."""
    if endpoint.endswith(STATIC) and "filename" in values:
        values["v"] = _version(endpoint, values["filename"])


def cache_versioned_file(response: Response) -> Response:
    """Let a file be cached for good if it has the version that was asked for.

    During a deploy the page of one release may ask the other one for its files.
    """
    endpoint = request.endpoint or ""
    if not endpoint.endswith(STATIC) or response.status_code >= 400 or "v" not in request.args:
        return response
    if request.args["v"] == _version(endpoint, (request.view_args or {})["filename"]):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


def _version(endpoint: str, filename: str) -> str:
    folder = current_app.blueprints[endpoint.removesuffix(STATIC)].static_folder
    path = Path(folder or "") / filename
    return _hash(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash(path: Path, modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
