"""A load that does not wait for the server: requests arrive at random, as those of many users do.

    python -m benchmarks.open_loop ROUTE CONNECTIONS SECONDS PREFIX KEY RATE PORT [PORT ...]

posts `RATE` requests a second on average, with exponential gaps (a Poisson process), and prints
{"latencies": seconds of each response, "refused": responses that were no success, "unanswered":
requests, "lag_p99": by how many seconds the load itself was late}.

A latency counts from the moment at which the request should have been sent, whether a connection
was free or not. A load that waits for each answer sends less to a server that stalls, and measures
the stall once instead of for all who would have come meanwhile: "coordinated omission", Tene, "How
NOT to Measure Latency", 2013. For the same reason the time that unanswered requests waited counts.
"""

import json
import random
import selectors
import socket
import sys
import time
from collections import deque

from benchmarks.load import BODIES, Requests, connect, read_response

# How long the load waits for answers after the last arrival.
DRAIN_S = 5.0


class OpenLoop:
    """Arrivals, and connections with one request at a time, of which the longest idle is used."""

    def __init__(self, requests: Requests, ports: list[int], connections: int) -> None:
        self.requests = requests
        self.idle = deque(connect(ports[number % len(ports)]) for number in range(connections))
        # epoll's timeouts are whole milliseconds.
        self.selector = selectors.SelectSelector()
        for connection in self.idle:
            self.selector.register(connection, selectors.EVENT_READ)
        # Moments at which requests should have been sent: of those that wait for a connection, and
        # of those sent.
        self.waiting: deque[float] = deque()
        self.due_at: dict[socket.socket, float] = {}
        self.latencies: list[float] = []
        self.lags: list[float] = []
        self.refused = 0

    def run(self, rate: float, seconds: float) -> None:
        """Send requests for `seconds`, and wait for their answers."""
        began = time.perf_counter()
        arrivals = deque(began + arrival for arrival in arrival_times(rate, seconds))
        end = began + seconds + DRAIN_S
        while (arrivals or self.waiting or self.due_at) and (now := time.perf_counter()) < end:
            while arrivals and arrivals[0] <= now:
                self.waiting.append(arrivals.popleft())
                self.lags.append(now - self.waiting[-1])
            while self.waiting and self.idle:
                connection = self.idle.popleft()
                self.due_at[connection] = self.waiting.popleft()
                self.requests.send(connection)
            now = time.perf_counter()
            wake_at = min(arrivals[0] if arrivals else end, end)
            for key, _ in self.selector.select(max(0.0, wake_at - now)):
                self._read(key.fileobj)

    def _read(self, connection: socket.socket) -> None:
        status, _ = read_response(connection)
        self.refused += status not in (200, 201)
        self.latencies.append(time.perf_counter() - self.due_at.pop(connection))
        self.idle.append(connection)

    def document(self) -> dict[str, object]:
        """Return what was measured, for JSON."""
        now = time.perf_counter()
        unanswered = [now - due for due in (*self.waiting, *self.due_at.values())]
        return {
            "latencies": [round(latency, 6) for latency in self.latencies + unanswered],
            "refused": self.refused,
            "unanswered": len(unanswered),
            "lag_p99": sorted(self.lags)[len(self.lags) * 99 // 100] if self.lags else 0.0,
        }


def arrival_times(rate: float, seconds: float) -> list[float]:
    """Return the times of a Poisson process, in seconds."""
    times, now = [], random.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += random.expovariate(rate)
    return times


def main() -> None:
    route, connections, seconds, prefix, key, rate, *ports = sys.argv[1:]
    requests = Requests(route, key, BODIES[route](prefix))
    load = OpenLoop(requests, [int(port) for port in ports], int(connections))
    load.run(float(rate), float(seconds))
    print(json.dumps(load.document()))


if __name__ == "__main__":
    main()
