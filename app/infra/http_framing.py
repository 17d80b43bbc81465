"""Finds where a request ends in the bytes that have arrived (RFC 9112, sections 6 and 7.1).

Only the length is taken from here. gunicorn's parser reads the bytes of that length again, and
alone judges whether they are a request: where the two disagree on the length, the connection is
closed.
"""

import re
from enum import Enum

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024
# A chunked body of so many bytes, with the sizes of its chunks, is larger than MAX_BODY_BYTES or
# wastes bytes on tiny chunks.
MAX_CHUNKED_BYTES = 2 * MAX_BODY_BYTES

# In a head in lower case.
CONTENT_LENGTH, TRANSFER_ENCODING = b"\r\ncontent-length:", b"\r\ntransfer-encoding:"
match_length = re.compile(rb"[ \t]*(\d{1,18})[ \t]*\r\n").match
find_expect = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n").search
match_chunk_size = re.compile(rb"[0-9a-fA-F]{1,8}(?=[ \t;]|$)").match


class Completeness(Enum):
    """How much of a request is there when a thread begins with it."""

    WHOLE = "whole"
    # The body is not read: the application refuses it by its Content-Length.
    BODY_TOO_LARGE = "body too large"
    CHUNKS_TOO_LARGE = "chunks too large"
    HEAD_TOO_LARGE = "head too large"


class RequestFraming:
    """Finds the end of the request with which a buffer begins.

    `find_end` is called after each arrival, and continues where it stopped.
    """

    __slots__ = (
        "_body_at",
        "_end",
        "_scanned",
        "body_length",
        "completeness",
        "expects_continue",
        "is_chunked",
    )

    def __init__(self) -> None:
        self.completeness = Completeness.WHOLE
        self.is_chunked = False
        # Of a body with a Content-Length, in bytes.
        self.body_length = 0
        # The client sends its body after an interim response (RFC 9110, section 10.1.1).
        self.expects_continue = False
        self._scanned = 0
        self._body_at = 0
        self._end = 0

    def find_end(self, data: bytearray) -> int | None:
        """Return the length of the first request in bytes, or None if more of it must arrive."""
        if not self._body_at and not self._read_head(data):
            if len(data) <= MAX_HEAD_BYTES:
                return None
            self.completeness = Completeness.HEAD_TOO_LARGE
            return len(data)
        if self.is_chunked:
            return self._find_end_of_chunks(data)
        return self._end if len(data) >= self._end else None

    def _read_head(self, data: bytearray) -> bool:
        # The last three bytes may be the beginning of the empty line.
        blank = data.find(b"\r\n\r\n", max(0, self._scanned - 3))
        self._scanned = len(data)
        if blank < 0:
            return False
        self._body_at = self._end = self._scanned = blank + 4
        head = data[: self._body_at].lower()
        self.is_chunked = TRANSFER_ENCODING in head
        self.expects_continue = find_expect(head) is not None
        at = head.find(CONTENT_LENGTH)
        if at < 0 or self.is_chunked:
            return True
        length = match_length(head, at + len(CONTENT_LENGTH))
        if length and int(length[1]) <= MAX_BODY_BYTES:
            self.body_length = int(length[1])
            self._end += self.body_length
        else:
            self.completeness = Completeness.BODY_TOO_LARGE
        return True

    def _find_end_of_chunks(self, data: bytearray) -> int | None:
        while (line_end := data.find(b"\r\n", self._scanned)) >= 0:
            size = match_chunk_size(data, self._scanned, line_end)
            if size is None:
                return len(data)  # the parser refuses it
            if int(size[0], 16) == 0:
                # Trailers end with an empty line; without any, it follows the last chunk.
                trailers_end = data.find(b"\r\n\r\n", line_end)
                if trailers_end >= 0:
                    return trailers_end + 4
                break
            self._scanned = line_end + 2 + int(size[0], 16) + 2
        if max(len(data), self._scanned) > self._body_at + MAX_CHUNKED_BYTES:
            self.completeness = Completeness.CHUNKS_TOO_LARGE
            return len(data)
        return None
