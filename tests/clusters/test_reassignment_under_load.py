"""model reassign while clients join: killed half-way and run again."""

import signal
from collections import Counter
from typing import Any

import pytest

from model.nnls import TIE_RATIO
from model.predict import Model
from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import run_process, start_process
from tests.support.members import place_anywhere
from tests.support.serving import KEY, Gunicorn, wait_until

MEMBERS = 6_000
CLIENTS = 2
COMMAND = ("model", "reassign", "--yes")


class JoiningClients(Clients):
    """Clients that change some members' interests, and a reader of /changes."""

    def __init__(self, url: str, model: Model) -> None:
        super().__init__(url, CLIENTS)
        self.model = model
        self.answers: dict[str, tuple[int, list[str]]] = {}

    def run_client(self, client: int) -> None:
        # From the end: the members that the command reaches last.
        number = MEMBERS - 1 - client
        with session() as http:
            while not self.stopping.is_set():
                interest = self.model.interests[number % len(self.model.interests)]
                body = {
                    "_id": f"member-{number % MEMBERS:08}",
                    "city": "Vigo",
                    "country": "ES",
                    "interests": [interest],
                }
                response = http.post(f"{self.url}/rooms", json=body)
                self.statuses[response.status_code] += 1
                self.answers[body["_id"]] = (response.json()["room_id"], [interest])
                number -= CLIENTS


@pytest.fixture
def gunicorn(url: str) -> Any:
    server = Gunicorn({"DATABASE_URL": url, "API_KEYS": KEY})
    yield server
    server.stop()


def test_a_second_run_finishes_a_killed_one_and_every_move_is_read_once(
    gunicorn: Gunicorn, url: str, model: Model
) -> None:
    place_anywhere(url, model, MEMBERS)
    sql = sql_on(url)
    first_rooms = dict(sql("SELECT user_id, room_id FROM memberships"))
    with JoiningClients(gunicorn.url, model) as clients:
        killed = start_process(*COMMAND, DATABASE_URL=url)
        wait_until(lambda: sql("SELECT count(*) FROM room_changes") > [(0,)])
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        ((half,),) = sql("SELECT count(*) FROM room_changes")
        result = run_process(*COMMAND, DATABASE_URL=url)
        assert result.returncode == 0, result.stderr
        ((moves,),) = sql("SELECT count(*) FROM room_changes")
        assert 0 < half < moves
    assert set(clients.statuses) <= {200, 201}
    # All members are in the cluster of their interests, or the gain is too small.
    clusters = dict(sql("SELECT id, cluster_id FROM rooms"))
    for user, room, interests in sql("SELECT user_id, room_id, interests FROM memberships"):
        weights = dict(zip(model.cluster_ids, model.weights(interests), strict=True))
        assert max(weights.values()) * TIE_RATIO <= 1.25 * weights[clusters[room]], user
        # A member whom a client moved last is in the room that the client's response named.
        if user in clients.answers and clients.answers[user][1] == interests:
            assert room == clients.answers[user][0]
    written = sql("SELECT id, user_id, from_room, to_room, reason FROM room_changes ORDER BY id")
    names = ("id", "user_id", "from_room", "to_room", "reason")
    assert [tuple(change[name] for name in names) for change in clients.changes] == written
    assert {reason for *_, reason in written} == {"reassign"}
    moves_by_user = Counter(user for _, user, *_ in written)
    assert set(moves_by_user.values()) == {1}
    assert all(first_rooms[user] == origin for _, user, origin, _, _ in written)
    assert [row[0] for row in sql("SELECT status FROM admin_runs ORDER BY id")] == [
        "running",
        "done",
    ]
