"""A load of keep-alive connections from a process of its own, so that it shares no lock.

    python -m benchmarks.load ROUTE CONNECTIONS SECONDS PREFIX KEY PORT [PORT ...]

posts to /rooms (each time a new user) or /cluster, one request in flight on each connection, and
prints {"rate": answers a second, "p50": seconds, "p99": seconds}. Connections are dealt to the
ports in turn: the kernel would deal those of one port to its workers as unevenly as 8 to 0.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Callable

from model.interests import load_interests

COMPLETE = re.compile(rb"HTTP/1.1 (\d+).*?\r\nContent-Length: (\d+).*?\r\n\r\n", re.S).match
CITIES = ("Sevilla", "Madrid", "Valencia", "Granada", "Vigo")
Body = Callable[[int], str]


def new_user(prefix: str) -> Body:
    """Bodies for /rooms: body `n` is that of the n-th new user."""

    def body(number: int) -> str:
        city, museums = CITIES[number % len(CITIES)], "true" if number % 2 else "false"
        return (
            f'{{"_id": "{prefix}-{number}", "city": "{city}", "country": "ES", '
            f'"interests": {{"surf": true, "coffee": true, "museums": {museums}}}}}'
        )

    return body


def published(prefix: str) -> Body:
    """Bodies for /cluster: all of the published interests, as the published API demands."""
    keys = [interest.key for interest in load_interests()]

    def body(number: int) -> str:
        ticked = {key: (number >> position % 8) % 3 == 0 for position, key in enumerate(keys)}
        return json.dumps({"_id": f"{prefix}-{number}", "interests": ticked})

    return body


BODIES: dict[str, Callable[[str], Body]] = {"/rooms": new_user, "/cluster": published}


class Load:
    """Connections that ask in turn, and how long each answer took."""

    def __init__(self, route: str, key: str, body: Body) -> None:
        self.head = (
            f"POST {route} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.body = body
        self.asked = 0
        self.took: list[float] = []

    def run(self, ports: list[int], connections: int, seconds: float) -> float:
        """Ask until the time is up; how many seconds it was."""
        selector = selectors.DefaultSelector()
        for number in range(connections):
            connection = socket.create_connection(("127.0.0.1", ports[number % len(ports)]))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
        began = time.perf_counter()
        sent = {key.fileobj: self._send(key.fileobj) for key in selector.get_map().values()}
        while (now := time.perf_counter()) < began + seconds:
            for key, _ in selector.select(timeout=5):
                self._read(key.fileobj)
                now = time.perf_counter()
                self.took.append(now - sent[key.fileobj])
                sent[key.fileobj] = self._send(key.fileobj)
        return now - began

    def _send(self, connection: socket.socket) -> float:
        body = self.body(self.asked)
        self.asked += 1
        now = time.perf_counter()
        connection.sendall(f"{self.head}{len(body)}\r\n\r\n{body}".encode())
        return now

    @staticmethod
    def _read(connection: socket.socket) -> None:
        received = connection.recv(65536)
        # gunicorn writes the head and the body one after the other.
        while not (found := COMPLETE(received)) or len(received) < found.end() + int(found[2]):
            received += connection.recv(65536)
        if found[1] not in (b"200", b"201"):
            raise SystemExit(f"unexpected answer: {received!r}")


def main() -> None:
    route, connections, seconds, prefix, key, *ports = sys.argv[1:]
    load = Load(route, key, BODIES[route](prefix))
    seconds_taken = load.run([int(port) for port in ports], int(connections), float(seconds))
    took = sorted(load.took)
    print(
        json.dumps(
            {
                "rate": len(took) / seconds_taken,
                "p50": took[len(took) // 2],
                "p99": took[len(took) * 99 // 100],
            }
        )
    )


if __name__ == "__main__":
    main()
