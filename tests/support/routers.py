"""HTTP servers between a client and the service: one that fails, and one with a path."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import requests

Response = tuple[int, dict[str, str]]


class QuietHandler(BaseHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None: ...


@contextmanager
def unreliable(*responses: Response) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve these responses one after another, then repeat the last; status 0: no response.

    Yields the address and the list of requests: (X-Request-ID, body).
    """
    received: list[tuple[str, str]] = []
    stopped = Event()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append((self.headers["X-Request-ID"], self.rfile.read(length).decode()))
            status, headers = responses[min(len(received), len(responses)) - 1]
            if not status:
                stopped.wait(30)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            text = b'{"room_id": 1}' if status == 200 else b"<h1>from a router</h1>"
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with _served(Handler) as url:
        try:
            yield url, received
        finally:
            stopped.set()


@contextmanager
def behind_a_path(url: str, path: str) -> Iterator[str]:
    """Serve a service behind a path, and yield its address there."""

    class Handler(QuietHandler):
        def forward(self) -> None:
            if not self.path.startswith(f"{path}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            response = requests.request(
                self.command,
                url + self.path.removeprefix(path),
                data=body,
                headers={"Authorization": self.headers["Authorization"]},
                allow_redirects=False,
                timeout=30,
            )
            self.send_response(response.status_code)
            if location := response.headers.get("Location"):
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_DELETE = forward

    with _served(Handler) as base:
        yield base + path


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
