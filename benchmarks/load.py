"""A load of keep-alive connections from a process of its own, so that it shares no lock.

    python -m benchmarks.load PORT CONNECTIONS SECONDS PREFIX KEY

posts new users to /rooms and prints how many were answered in a second.
"""

import json
import socket
import sys
import threading
import time

CITIES = ("Sevilla", "Madrid", "Valencia", "Granada", "Vigo")


def ask(port: int, until: float, name: str, key: str, counts: list[int], slot: int) -> None:
    """Ask on one connection, one request after another, until the time is up."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while time.perf_counter() < until:
            number += 1
            body = json.dumps(
                {
                    "_id": f"{name}-{number}",
                    "city": CITIES[number % len(CITIES)],
                    "country": "ES",
                    "interests": {"surf": True, "coffee": True, "museums": number % 2 == 0},
                }
            )
            connection.sendall(
                f"POST /rooms HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                f"{body}".encode()
            )
            head, _, rest = connection.recv(65536).partition(b"\r\n\r\n")
            if head[9:12] not in (b"200", b"201"):
                raise SystemExit(f"unexpected answer: {head!r} {rest!r}")
            counts[slot] = number


def main() -> None:
    port, connections, seconds, prefix, key = sys.argv[1:]
    counts = [0] * int(connections)
    began = time.perf_counter()
    until = began + float(seconds)
    threads = [
        threading.Thread(target=ask, args=(int(port), until, f"{prefix}-{n}", key, counts, n))
        for n in range(len(counts))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts) / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
