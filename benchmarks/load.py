"""A load of keep-alive connections, in a process of its own so that it shares no lock.

    python -m benchmarks.load ROUTE CONNECTIONS SECONDS PREFIX KEY PORT [PORT ...]

posts to /rooms (a new user each time) or /cluster, one request at a time on each connection, and
prints {"responses": their number, "rate": a second, "p50": seconds, "p99": seconds}. Connections
alternate between the ports: the kernel would distribute those of one port among its workers as
unevenly as 8 to 0.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Callable

from model.interests import load_interests

match_head = re.compile(
    rb"HTTP/1.1 (\d+).*?\r\nContent-Length: (\d+).*?\r\n\r\n", re.S | re.I
).match
CITIES = ("Sevilla", "Madrid", "Valencia", "Granada", "Vigo")
Body = Callable[[int], str]


def new_user(prefix: str) -> Body:
    """Return a function that returns the body for /rooms of the n-th new user."""

    def body(number: int) -> str:
        city, museums = CITIES[number % len(CITIES)], "true" if number % 2 else "false"
        return (
            f'{{"_id": "{prefix}-{number}", "city": "{city}", "country": "ES", '
            f'"interests": {{"surf": true, "coffee": true, "museums": {museums}}}}}'
        )

    return body


def published_interests(prefix: str) -> Body:
    """Return a function that returns the n-th body for /cluster.

    It has all of the published interests, which the published API requires.
    """
    keys = [interest.key for interest in load_interests()]

    def body(number: int) -> str:
        interests = {key: (number >> position % 8) % 3 == 0 for position, key in enumerate(keys)}
        return json.dumps({"_id": f"{prefix}-{number}", "interests": interests})

    return body


BODIES: dict[str, Callable[[str], Body]] = {"/rooms": new_user, "/cluster": published_interests}


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: socket.socket) -> bytes:
    """Return what has arrived, after a wait for it."""
    data = connection.recv(65536)
    if not data:
        raise SystemExit("the server closed a connection")
    return data


def read_response(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status and all bytes of the next response."""
    received = receive(connection)
    # gunicorn writes the head and the body separately.
    while not (head := match_head(received)) or len(received) < head.end() + int(head[2]):
        received += receive(connection)
    return int(head[1]), received


class Requests:
    """Sends requests to a route, each with the next body."""

    def __init__(self, route: str, key: str, body: Body) -> None:
        self.head = (
            f"POST {route} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.body = body
        self.sent = 0

    def send(self, connection: socket.socket) -> float:
        """Send the next request; return the moment."""
        body = self.body(self.sent)
        self.sent += 1
        now = time.perf_counter()
        connection.sendall(f"{self.head}{len(body)}\r\n\r\n{body}".encode())
        return now


class Load:
    """Connections, each with one request at a time; `durations`: seconds of each response."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests
        self.durations: list[float] = []

    def run(self, ports: list[int], connections: int, seconds: float) -> float:
        """Send requests for at least `seconds`; return how many seconds it was."""
        selector = selectors.DefaultSelector()
        for number in range(connections):
            selector.register(connect(ports[number % len(ports)]), selectors.EVENT_READ)
        began = time.perf_counter()
        sent_at = {
            key.fileobj: self.requests.send(key.fileobj) for key in selector.get_map().values()
        }
        while (now := time.perf_counter()) < began + seconds:
            for key, _ in selector.select(began + seconds - now):
                self._read(key.fileobj)
                now = time.perf_counter()
                self.durations.append(now - sent_at[key.fileobj])
                sent_at[key.fileobj] = self.requests.send(key.fileobj)
        return now - began

    @staticmethod
    def _read(connection: socket.socket) -> None:
        status, response = read_response(connection)
        if status not in (200, 201):
            raise SystemExit(f"unexpected response: {response!r}")


def main() -> None:
    route, connections, seconds, prefix, key, *ports = sys.argv[1:]
    load = Load(Requests(route, key, BODIES[route](prefix)))
    elapsed_s = load.run([int(port) for port in ports], int(connections), float(seconds))
    durations = sorted(load.durations)
    if not durations:
        raise SystemExit("no response")
    print(
        json.dumps(
            {
                "responses": len(durations),
                "rate": len(durations) / elapsed_s,
                "p50": durations[len(durations) // 2],
                "p99": durations[len(durations) * 99 // 100],
            }
        )
    )


if __name__ == "__main__":
    main()
