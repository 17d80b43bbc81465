"""Pages of a room's members while others join and leave, and the same in a terminal."""

import csv
import io
import json
import random
import re
from collections.abc import Callable
from typing import Any

from app.domain.members.room_members import PAGE, PAGE_SETTINGS
from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import Manage, add_room
from tests.support.serving import Gunicorn, wait_until

CLIENTS, STAYING, PAGE_SIZE, READINGS = 16, 300, 7, 5
ROOM, ELSEWHERE, INTERESTS = "Sevilla", "Vigo", ["surf"]
# Their ids are before, between and after those of the users who come and go.
STAY = """
    INSERT INTO memberships SELECT (jsonb_populate_record(
        member, jsonb_build_object('user_id', 'user-' || md5(n::text)))).*
    FROM memberships AS member, generate_series(1, %s) AS n
"""


class Passers(Clients):
    """Clients whose users join the room, leave it for another one, and are erased."""

    def run_client(self, client: int) -> None:
        rng = random.Random(client)
        with session() as http:
            while not self.stopping.is_set():
                user = f"user-{rng.randrange(16):x}{client}"
                if rng.random() < 0.2:
                    response = http.delete(f"{self.url}/users/{user}")
                else:
                    body = {
                        "_id": user,
                        "city": rng.choice((ROOM, ELSEWHERE)),
                        "country": "ES",
                        "interests": INTERESTS,
                    }
                    response = http.post(f"{self.url}/rooms", json=body)
                self.statuses[response.status_code] += 1


def read_members(http: Any, url: str, room: int) -> list[str]:
    """Return the ids of a room's members, read page by page."""
    seen: list[str] = []
    path = f"/rooms/{room}/members?limit={PAGE_SIZE}"
    while path:
        page = http.get(url + path).json()
        seen += [member["_id"] for member in page["items"]]
        path = page["next"]
    return seen


def test_each_member_who_stays_is_listed_once_while_16_clients_join_and_leave(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    url = serve().url
    with session() as http:
        body = {"_id": "user-first", "city": ROOM, "country": "ES", "interests": INTERESTS}
        room = http.post(f"{url}/rooms", json=body).json()["room_id"]
        sql = sql_on(new_database)
        sql(STAY, (STAYING,))
        staying = {user for (user,) in sql("SELECT user_id FROM memberships")}
        passing = set[str]()
        with Passers(url, CLIENTS, reads_changes=False) as passers:
            for _ in range(READINGS):
                answered = passers.statuses.total()
                wait_until(lambda at=answered: passers.statuses.total() > at + 100)
                seen = read_members(http, url, room)
                assert seen == sorted(set(seen))
                assert staying <= set(seen)
                passing |= set(seen) - staying
    assert passing
    assert passers.statuses.keys() <= {200, 201, 204}


def test_a_page_reads_its_part_of_the_index_however_many_members_a_room_has(
    new_database: str,
) -> None:
    # There are no statistics of these members, so the room could as well be a small one.
    room, _ = add_room(new_database, 20_000)
    statement = f"SET LOCAL {PAGE_SETTINGS}; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {PAGE}"
    parameters = {"room": room, "after": "u5", "limit": 50}
    plan = "\n".join(line for (line,) in sql_on(new_database)(statement, parameters))
    assert re.search(r"ix_memberships_room_id_user_id .*actual rows=50(\.0+)? ", plan), plan
    assert "Seq Scan" not in plan


def test_a_terminal_shows_the_members_of_a_room(manage: Manage, new_database: str) -> None:
    room, city = add_room(new_database, 12)
    shown = manage("rooms", "show", str(room))
    assert shown.stdout.count("Vila") == 1 + 10
    assert f"manage.py rooms members {room}" in shown.stderr
    assert (
        len(json.loads(manage("rooms", "show", str(room), "--json").stdout)["first_members"]) == 10
    )
    table = manage("rooms", "members", str(room), "--limit", "11")
    assert (table.stdout.count("Vila"), "--csv" in table.stderr) == (11, True)
    rows = list(csv.DictReader(io.StringIO(manage("rooms", "members", str(room), "--csv").stdout)))
    users = sorted(f"u{n}" for n in range(1, 13))
    assert [row["_id"] for row in rows] == users
    assert (rows[0]["city_id"], rows[0]["city"]) == (str(city), "Vila")
    members = json.loads(manage("rooms", "members", str(room), "--json").stdout)
    assert [member["_id"] for member in members] == users
    assert members[0]["city"]["id"] == city


def test_a_terminal_says_where_the_members_of_a_closed_room_are(
    manage: Manage, new_database: str
) -> None:
    room, city = add_room(new_database, 0)
    sql_on(new_database)(
        "INSERT INTO room_redirects (id, city_id, cluster_id, room_id) VALUES (999999, %s, 1, %s)",
        (city, room),
    )
    assert f"are in room {room}" in manage("rooms", "members", "999999").stderr
    assert "no members" in manage("rooms", "members", str(room)).stderr
    assert manage("rooms", "members", str(room), "--json").stdout == "[]\n"
