"""A client's connection, on which no thread ever waits.

A request is read until it is whole before the application sees it, and the part of a response that
the kernel does not take at once is kept in memory until it does.
"""

import socket
import time
from typing import Any

from app.infra.http_framing import RequestFraming

RECEIVE_BYTES = 64 * 1024
NOTHING = memoryview(b"")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Disconnected(Exception):
    """The client closed the connection, or it broke."""


class Request:
    """The bytes of a request; `arrived_at`: when the last of them came, on the monotonic clock."""

    __slots__ = ("arrived_at", "body_length", "completeness", "data", "is_chunked")

    def __init__(self, data: bytes, framing: RequestFraming) -> None:
        self.data = data
        self.body_length = framing.body_length
        self.is_chunked = framing.is_chunked
        self.completeness = framing.completeness
        self.arrived_at = time.monotonic()


class ResponseBuffer:
    """Takes a response instead of a socket: gunicorn writes to it, and it never blocks."""

    def __init__(self) -> None:
        self.data = bytearray()

    def sendall(self, data: bytes) -> None:
        """Append a part of the response."""
        self.data += data

    def send(self, data: bytes) -> int:
        """Ignore gunicorn's 100 Continue: the request was read before its thread began."""
        return len(data)

    def shutdown(self, how: int) -> None:
        """Do nothing: gunicorn gives up a response that broke off, and the worker closes."""

    settimeout = shutdown

    def recv(self, size: int) -> bytes:
        """Return the end of the input."""
        return b""

    def close(self) -> None:
        """Do nothing."""


class Connection:
    """A client's socket with what was received and what is still to be sent.

    `deadline` and `phase` belong to the worker, `client` and `server` are addresses.
    `output_bytes`: the size of the last response, all in memory until it is sent.
    """

    __slots__ = (
        "_framing",
        "client",
        "deadline",
        "descriptor",
        "input",
        "is_kept",
        "output",
        "output_bytes",
        "phase",
        "request",
        "server",
        "sock",
    )

    def __init__(self, sock: socket.socket, client: Any, server: Any) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.descriptor = sock.fileno()
        self.client = client
        self.server = server
        self.input = bytearray()
        self.output = NOTHING
        self.output_bytes = 0
        self.is_kept = True
        self.request: Request | None = None
        self.phase: Any = None
        self.deadline = 0.0
        self._framing = RequestFraming()

    def receive(self) -> None:
        """Read what has arrived. Raises Disconnected."""
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        self.input += data

    def take_request(self) -> bool:
        """Move the next request from the input to `request`; return False if it is not whole.

        Raises Disconnected.
        """
        while self.input.startswith(b"\r\n"):
            del self.input[:2]  # an empty line before a request is ignored (RFC 9112, section 2.2)
        end = self._framing.find_end(self.input)
        if end is None:
            if self._framing.expects_continue:
                self._framing.expects_continue = False
                self._send_now(CONTINUE)
            return False
        self.request = Request(bytes(self.input[:end]), self._framing)
        del self.input[:end]
        self._framing = RequestFraming()
        return True

    def respond(self, response: ResponseBuffer) -> None:
        """Send a response as far as the kernel takes it; the rest stays in `output`."""
        self.output = memoryview(response.data)
        self.output_bytes = len(response.data)
        try:
            self.send()
        except Disconnected:
            self.is_kept = False

    def send(self) -> None:
        """Send what the kernel takes of `output`. Raises Disconnected."""
        # An empty slice would keep the whole response in memory.
        self.output = self.output[self._send_now(self.output) :] or NOTHING

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            return self.sock.send(data) if data else 0
        except BlockingIOError:
            return 0
        except OSError as error:
            self.output = NOTHING
            raise Disconnected from error

    def close_output(self) -> None:
        """Announce the end of the responses; the client may still read them.

        Closing at once would reset the connection where input is unread, and the client could lose
        the response (RFC 9112, section 9.6).
        """
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Disconnected from error
