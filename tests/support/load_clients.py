"""Clients that join without pause, retry like the documented client, and record each response."""

import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import requests
from requests.exceptions import ChunkedEncodingError
from urllib3.exceptions import NewConnectionError

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
    """`clients` threads, each joining one new user after another.

    A request is sent again with the same body after a 503, or when its connection is refused or
    reset before the whole response arrived. Any other response that is not 2xx is a fault.

    `refused`: counts of requests to send again, by reason: "503", "no connection", "reset" for a
    connection that ended before the whole response. `longest_wait_s`: the longest that a request
    had no answer, whatever became of it.
    """

    def __init__(self, url: str, clients: int = CLIENTS, *, keeps_alive: bool = True) -> None:
        super().__init__(url, clients, reads_changes=False)
        self.keeps_alive = keeps_alive
        # Of two loads on one database, each has users of its own.
        self.prefix = uuid.uuid4().hex[:8]
        self.acknowledged: dict[str, int] = {}
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []
        self.waits_s = [0.0] * clients
        self.last_success_at = [0.0] * clients

    @property
    def longest_wait_s(self) -> float:
        return max(self.waits_s)

    def wait_for_joins(self, joins: int = 200) -> None:
        """Wait until this many more users have joined."""
        done = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) >= done + joins or bool(self.faults))
        assert not self.faults, self.faults[:3]

    def recovery_s(self, moment: float) -> float:
        """Return the seconds from a moment until each client has received a 2xx after it."""
        wait_until(lambda: min(self.last_success_at) > moment)
        return time.monotonic() - moment

    def lost_users(self, database: str) -> set[str]:
        """Return users whose join was acknowledged, and who are not stored in that room."""
        return lost_users(dict(self.acknowledged), database)

    def run_client(self, client: int) -> None:
        with session() as http:
            if not self.keeps_alive:
                http.headers["Connection"] = "close"
            for body in self.bodies(client):
                while not self.send(http, client, body):
                    if self.stopping.wait(RETRY_PAUSE_S):
                        return
                if self.stopping.is_set():
                    return

    def bodies(self, client: int) -> Iterator[dict[str, object]]:
        """Yield the requests of one client: each a new user's."""
        for number in itertools.count():
            yield {
                "_id": f"{self.prefix}-{client}-{number}",
                "city": f"Kill Town {number % TOWNS}",
                "interests": [INTERESTS[(number + client) % len(INTERESTS)]],
            }

    def note_refusal(self, reason: str, body: dict[str, object]) -> None:
        """Count a request to send again."""
        self.refused[reason] += 1

    def send(self, http: requests.Session, client: int, body: dict[str, object]) -> bool:
        """Return whether the request is done; False: to be sent again."""
        began = time.monotonic()
        try:
            response = http.post(f"{self.url}/rooms", json=body, timeout=TIMEOUT_S)
        except (requests.ConnectionError, ChunkedEncodingError) as error:
            # A kill may fall between two parts of a response.
            self.note_refusal("no connection" if is_unconnected(error) else "reset", body)
            return False
        except requests.RequestException as error:
            self.faults.append(repr(error))
            return False
        finally:
            self.waits_s[client] = max(self.waits_s[client], time.monotonic() - began)
        if response.status_code == 503 and "Retry-After" in response.headers:
            self.note_refusal("503", body)
            return False
        if response.ok:
            self.acknowledged[str(body["_id"])] = response.json()["room_id"]
            self.last_success_at[client] = time.monotonic()
        else:
            self.faults.append(f"{response.status_code} {response.text}")
        return True


def is_unconnected(error: Any) -> bool:
    """Return whether the connection could not be opened, so that nothing was sent."""
    return bool(error.args) and isinstance(
        getattr(error.args[0], "reason", None), NewConnectionError
    )


def lost_users(acknowledged: dict[str, int], database: str) -> set[str]:
    """Return the users who are not stored in the room that was acknowledged."""
    stored = dict(sql_on(database)("SELECT user_id, room_id FROM memberships"))
    return {user for user, room in acknowledged.items() if stored.get(user) != room}
