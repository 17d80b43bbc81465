"""An open loop of joins: new ones come at their rate, however long the ones before wait."""

import asyncio
import json
import re
import time
from collections import Counter, deque
from typing import Any
from urllib.parse import urlsplit

from tests.support.serving import KEY

TOWNS = 12
# Joins that are due within a tick are sent together.
TICK_S = 0.01
# Longer than any request may have no answer.
PATIENCE_S = 15.0
OPENED_TOGETHER = 100
CONTENT_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
BODY = '{"_id": "%s", "city": "Crowd Town %d", "interests": ["movies"]}'
REQUEST = (
    "POST /rooms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {KEY}\r\nContent-Length: %d\r\n\r\n%s"
)


class Connection(asyncio.Protocol):
    """A kept connection, with one join at a time."""

    def __init__(self, crowd: "Crowd") -> None:
        self.crowd = crowd
        self.user = ""
        self.due_at = 0.0
        self.received = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.crowd.free.append(self)

    def send(self, user: str, town: int, due_at: float) -> None:
        self.user, self.due_at, self.received = user, due_at, b""
        body = BODY % (user, town)
        self.transport.write((REQUEST % (len(body), body)).encode())

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, _, body = self.received.partition(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head)
        if length and len(body) >= int(length[1]):
            self.crowd.on_answer(self, head, body)

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.on_lost(self)


class Crowd:
    """Users who join over many kept connections; a join waits while none of these is free.

    `answers`: by status, "reset" for a connection that ended before the whole response.
    `longest_waits_s`: by status, the longest from when a join was due.
    """

    def __init__(self, url: str, connections: int, prefix: str) -> None:
        address = urlsplit(url)
        self.address = (address.hostname, address.port)
        self.connections = connections
        self.prefix = prefix
        self.free: deque[Connection] = deque()
        self.busy: set[Connection] = set()
        self.due: deque[float] = deque()
        self.sent = 0
        self.is_closing = False
        self.answers: Counter[str] = Counter()
        self.longest_waits_s: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.reopening: set[asyncio.Task[None]] = set()

    async def run(self, rate: float | None, seconds: float) -> float:
        """Join at a rate, None: as fast as connections become free; wait for the answers.

        Returns for how many seconds answers came after the last join was due.
        """
        for _ in range(0, self.connections, OPENED_TOGETHER):
            count = min(OPENED_TOGETHER, self.connections)
            await asyncio.gather(*(self.open() for _ in range(count)))
        began, arrived = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            new = len(self.free) if rate is None else int(rate * elapsed) - arrived
            self.due.extend([time.monotonic()] * new)
            arrived += new
            self.send_due()
            await asyncio.sleep(TICK_S)
        ended = time.monotonic()
        while (self.due or self.busy) and time.monotonic() < ended + PATIENCE_S:
            await asyncio.sleep(TICK_S)
        self.close()
        return time.monotonic() - ended

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Connection(self), *self.address)

    def close(self) -> None:
        """Close all connections; joins without an answer count as "none"."""
        self.is_closing = True
        for due_at in (*self.due, *(connection.due_at for connection in self.busy)):
            self.count("none", due_at)
        for connection in (*self.busy, *self.free):
            connection.transport.abort()

    def send_due(self) -> None:
        while self.due and self.free:
            connection = self.free.popleft()
            self.busy.add(connection)
            self.sent += 1
            connection.send(f"{self.prefix}-{self.sent}", self.sent % TOWNS, self.due.popleft())

    def on_answer(self, connection: Connection, head: bytes, body: bytes) -> None:
        status = head[9:12].decode()
        if status == "503" and b"\r\nRetry-After: " not in head:
            status = "503 without Retry-After"
        self.count(status, connection.due_at)
        if status in ("200", "201"):
            self.acknowledged[connection.user] = json.loads(body)["room_id"]
        self.busy.discard(connection)
        if b"\r\nConnection: close" in head:
            connection.transport.close()
        else:
            self.free.append(connection)
        self.send_due()

    def on_lost(self, connection: Connection) -> None:
        if self.is_closing:
            return
        if connection in self.busy:
            self.busy.discard(connection)
            self.count("reset", connection.due_at)
        elif connection in self.free:
            self.free.remove(connection)
        task = asyncio.get_running_loop().create_task(self.open())
        self.reopening.add(task)
        task.add_done_callback(self.reopening.discard)

    def count(self, status: str, due_at: float) -> None:
        self.answers[status] += 1
        waited = time.monotonic() - due_at
        self.longest_waits_s[status] = max(self.longest_waits_s[status], waited)
