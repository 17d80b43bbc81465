"""Clients whose users come again after a 503, while others join."""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import requests

from app.infra.problem import RETRY_AFTER_S
from tests.support.http import session
from tests.support.load_clients import CLIENTS, LoadClients

# One user in so many names a place that nobody named before: a city and a room are created.
NEW_PLACE_EVERY = 10
NEW_PLACE = "New Town"
# Digits of a name may be read as a postal code.
AS_LETTERS = str.maketrans("0123456789", "ghijklmnop")
# While a part of the users is refused, so that their clients do not spin.
PAUSE_S = 0.1
# After the end of the load.
PATIENCE_S = 20


class Refusal(NamedTuple):
    """A request to send again, and when it was refused, by time.monotonic."""

    at: float
    user: str
    names_new_place: bool


class ReturningClients(LoadClients):
    """Clients that do not wait for a refused user: they go on with others, as a crowd does.

    The refused user comes again when Retry-After says, and at the end of the load each comes until
    admitted. `refusals`: all of them, in order.
    """

    def __init__(
        self, url: str, clients: int = CLIENTS, new_place_every: int = NEW_PLACE_EVERY
    ) -> None:
        super().__init__(url, clients)
        self.new_place_every = new_place_every
        self.refusals: list[Refusal] = []

    def bodies(self, client: int) -> Iterator[dict[str, object]]:
        """Yield the requests of one client: each a new user's."""
        for number, body in enumerate(super().bodies(client)):
            if number % self.new_place_every == self.new_place_every - 1:
                name = f"{self.prefix}z{client}z{number}".translate(AS_LETTERS)
                body["city"] = f"{NEW_PLACE} {name}"
            yield body

    def note_refusal(self, reason: str, body: dict[str, object]) -> None:
        super().note_refusal(reason, body)
        is_new = str(body["city"]).startswith(NEW_PLACE)
        self.refusals.append(Refusal(time.monotonic(), str(body["_id"]), is_new))

    def run_client(self, client: int) -> None:
        waiting: deque[tuple[float, dict[str, object]]] = deque()
        with session() as http:
            for body in self.bodies(client):
                if self.stopping.is_set():
                    break
                self._try(http, client, body, waiting)
                if waiting and waiting[0][0] <= time.monotonic():
                    self._try(http, client, waiting.popleft()[1], waiting)
            deadline = time.monotonic() + PATIENCE_S
            while waiting and time.monotonic() < deadline:
                self._try(http, client, waiting.popleft()[1], waiting)
        self.faults += [f"{body['_id']} was never admitted" for _, body in waiting]

    def _try(
        self,
        http: requests.Session,
        client: int,
        body: dict[str, object],
        waiting: deque[tuple[float, dict[str, object]]],
    ) -> None:
        if not self.send(http, client, body):
            waiting.append((time.monotonic() + RETRY_AFTER_S, body))
            time.sleep(PAUSE_S)
