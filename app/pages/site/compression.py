"""Compression of text for browsers.

The API's responses stay as they are: most fit into one packet, and some hold what only their reader
may know beside what a client sent, which the length of a compressed response reveals bit by bit
(BREACH). The same goes for the answers to forms: the page of a room, and the map, whose links send
the form's key again. The id in the empty form is a new one each time.
"""

import gzip
from functools import lru_cache

from flask import Response, request

TYPES = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})
# Of JSON only this: it is the same for everybody, and large.
DOCUMENT = "openapi.spec"
MIN_BYTES = 500
FAST, BEST = 4, 9
# Files, the OpenAPI document, and the documentation in each language: less than 1 MB.
MAX_CACHED = 24


def compress(response: Response) -> Response:
    """Compress a text for a client that accepts it.

    A validator stands for both forms of a response, and is therefore weak (RFC 9110, 8.8.1).
    """
    if not _is_compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)
    if response.status_code == 206 or not request.accept_encodings["gzip"]:
        return response
    # A file is sent by the server, unless it is read here.
    response.direct_passthrough = False
    data = response.get_data()
    if len(data) < MIN_BYTES:
        return response
    is_private = response.cache_control.no_store
    response.set_data(gzip.compress(data, FAST, mtime=0) if is_private else _compressed(data))
    response.headers["Content-Encoding"] = "gzip"
    # Ranges are those of the uncompressed file.
    response.headers.pop("Accept-Ranges", None)
    return response


def _is_compressible(response: Response) -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    return response.mimetype in TYPES or request.endpoint == DOCUMENT


@lru_cache(maxsize=MAX_CACHED)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, BEST, mtime=0)
