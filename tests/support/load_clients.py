"""Clients that join without pause, retry like the documented client, and record each response."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator

import requests
from requests.exceptions import ChunkedEncodingError

from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.serving import wait_until

CLIENTS = 8
# Shorter than Retry-After says, which is the harder test.
RETRY_PAUSE_S = 0.1
# Longer than the service's slowest response.
TIMEOUT_S = 12
TOWNS = 12
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class LoadClients(Clients):
    """`CLIENTS` threads, each joining one new user after another.

    A request is sent again with the same body after a 503, or when its connection is refused or
    reset before the whole response arrived. Any other response that is not 2xx is a fault.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, CLIENTS, reads_changes=False)
        self.acknowledged: dict[str, int] = {}
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []
        self.last_success_at = [0.0] * CLIENTS

    def wait_for_joins(self, joins: int = 200) -> None:
        """Wait until this many more users have joined."""
        done = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) >= done + joins or bool(self.faults))
        assert not self.faults, self.faults[:3]

    def recovery_s(self, moment: float) -> float:
        """Return the seconds from a moment until each client has received a 2xx after it."""
        wait_until(lambda: min(self.last_success_at) > moment or bool(self.faults))
        assert not self.faults, self.faults[:3]
        return time.monotonic() - moment

    def lost_users(self, database: str) -> set[str]:
        """Return users whose join was acknowledged, and who are not stored in that room."""
        acknowledged = dict(self.acknowledged)
        stored = dict(sql_on(database)("SELECT user_id, room_id FROM memberships"))
        return {user for user, room in acknowledged.items() if stored.get(user) != room}

    def run_client(self, client: int) -> None:
        with session() as http:
            for body in self._bodies(client):
                while not self._send(http, client, body):
                    if self.stopping.wait(RETRY_PAUSE_S):
                        return
                if self.stopping.is_set():
                    return

    def _bodies(self, client: int) -> Iterator[dict[str, object]]:
        for number in itertools.count():
            yield {
                "_id": f"user-{client}-{number}",
                "city": f"Kill Town {number % TOWNS}",
                "interests": [INTERESTS[(number + client) % len(INTERESTS)]],
            }

    def _send(self, http: requests.Session, client: int, body: dict[str, object]) -> bool:
        """Return whether the request is done; False: to be sent again."""
        try:
            response = http.post(f"{self.url}/rooms", json=body, timeout=TIMEOUT_S)
        except (requests.ConnectionError, ChunkedEncodingError):
            # gunicorn sends the head and the body of a response separately, and a kill may fall
            # between the two.
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
            self.last_success_at[client] = time.monotonic()
        else:
            self.faults.append(f"{response.status_code} {response.text}")
        return True
