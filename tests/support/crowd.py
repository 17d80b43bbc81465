"""Clients that join without pause, each as the documented client does, and remember each answer."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator

import requests
from requests.exceptions import ChunkedEncodingError

from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.serving import until

CLIENTS = 8
# A client that waits shorter than Retry-After says is the harder test.
PAUSE_S = 0.1
# Longer than the service may take for the worst answer it has.
PATIENCE_S = 12
TOWNS = 12
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class Crowd(Clients):
    """`CLIENTS` threads, each joining one new user after another.

    A request that is refused with 503, or whose connection is refused, or reset before the whole
    answer came, is sent again with the same body. Everything else that is not 2xx is a fault.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, CLIENTS, reads_changes=False)
        self.acknowledged: dict[str, int] = {}
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []
        self.answered_at = [0.0] * CLIENTS

    def go_on(self, joins: int = 200) -> None:
        """Wait until so many more have joined."""
        done = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= done + joins or bool(self.faults))
        assert not self.faults, self.faults[:3]

    def back_since(self, moment: float) -> float:
        """Seconds from a moment until each client has had a 2xx after it."""
        until(lambda: min(self.answered_at) > moment or bool(self.faults))
        assert not self.faults, self.faults[:3]
        return time.monotonic() - moment

    def lost(self, database: str) -> set[str]:
        """Users whose join was acknowledged, and who do not stand in the room of the answer."""
        acknowledged = dict(self.acknowledged)
        stored = dict(sql_on(database)("SELECT user_id, room_id FROM memberships"))
        return {user for user, room in acknowledged.items() if stored.get(user) != room}

    def _bodies(self, client: int) -> Iterator[dict[str, object]]:
        for number in itertools.count():
            yield {
                "_id": f"user-{client}-{number}",
                "city": f"Kill Town {number % TOWNS}",
                "interests": [INTERESTS[(number + client) % len(INTERESTS)]],
            }

    def ask(self, client: int) -> None:
        with session() as http:
            for body in self._bodies(client):
                while not self._is_answered(http, client, body):
                    if self.stopping.wait(PAUSE_S):
                        return
                if self.stopping.is_set():
                    return

    def _is_answered(self, http: requests.Session, client: int, body: dict[str, object]) -> bool:
        try:
            response = http.post(f"{self.url}/rooms", json=body, timeout=PATIENCE_S)
        except (requests.ConnectionError, ChunkedEncodingError):
            # Also where the head of an answer came and its body did not: gunicorn sends the two
            # apart, and a kill may fall between them.
            self.refused["connection"] += 1
            return False
        except requests.RequestException as error:
            self.faults.append(repr(error))
            return False
        if response.status_code == 503 and "Retry-After" in response.headers:
            self.refused["503"] += 1
            return False
        if response.ok:
            self.acknowledged[str(body["_id"])] = response.json()["room_id"]
            self.answered_at[client] = time.monotonic()
        else:
            self.faults.append(f"{response.status_code} {response.text}")
        return True
