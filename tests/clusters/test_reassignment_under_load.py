"""model reassign while clients join, killed in the middle and run again."""

import signal
from collections import Counter
from typing import Any

import pytest

from model.predict import TIE, Model
from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import run_process, start_process
from tests.support.members import place_anywhere
from tests.support.serving import KEY, Gunicorn, until

MEMBERS = 6_000
CLIENTS = 2
COMMAND = ("model", "reassign", "--yes")


class Join(Clients):
    """Clients who change what some members like, and a reader of /changes, until told to stop."""

    def __init__(self, url: str, model: Model) -> None:
        super().__init__(url, CLIENTS)
        self.model = model
        self.answers: dict[str, tuple[int, list[str]]] = {}

    def ask(self, client: int) -> None:
        # From the end: whom the command comes to last.
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
def served(url: str) -> Any:
    gunicorn = Gunicorn({"DATABASE_URL": url, "API_KEYS": KEY})
    yield gunicorn
    gunicorn.stop()


def test_a_killed_reassign_is_finished_by_the_next_and_every_move_is_read_once(
    served: Gunicorn, url: str, model: Model
) -> None:
    place_anywhere(url, model, MEMBERS)
    sql = sql_on(url)
    first_rooms = dict(sql("SELECT user_id, room_id FROM memberships"))
    with Join(served.url, model) as joining:
        killed = start_process(*COMMAND, DATABASE_URL=url)
        until(lambda: sql("SELECT count(*) FROM room_changes") > [(0,)])
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        ((half,),) = sql("SELECT count(*) FROM room_changes")
        done = run_process(*COMMAND, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        ((moves,),) = sql("SELECT count(*) FROM room_changes")
        assert 0 < half < moves
    assert set(joining.statuses) <= {200, 201}
    # Everybody is where their interests say, or where the gain is too small to move for.
    clusters = dict(sql("SELECT id, cluster_id FROM rooms"))
    for user, room, interests in sql("SELECT user_id, room_id, interests FROM memberships"):
        weights = dict(zip(model.cluster_ids, model.weights(interests), strict=True))
        assert max(weights.values()) * TIE <= 1.25 * weights[clusters[room]], user
        # Whom a client moved last, the command left where the client was told.
        if user in joining.answers and joining.answers[user][1] == interests:
            assert room == joining.answers[user][0]
    written = sql("SELECT id, user_id, from_room, to_room, reason FROM room_changes ORDER BY id")
    names = ("id", "user_id", "from_room", "to_room", "reason")
    assert [tuple(change[name] for name in names) for change in joining.read] == written
    assert {reason for *_, reason in written} == {"reassign"}
    once = Counter(user for _, user, *_ in written)
    assert set(once.values()) == {1}
    assert all(first_rooms[user] == origin for _, user, origin, _, _ in written)
    assert [row[0] for row in sql("SELECT status FROM admin_runs ORDER BY id")] == [
        "running",
        "done",
    ]
