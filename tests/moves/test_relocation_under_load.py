"""Merge, gather and release while clients of two servers, each with its own caches, join."""

import random
from collections.abc import Callable
from typing import Any

import requests

from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import run_manage
from tests.support.serving import Gunicorn, wait_until

CLIENTS = 16
WRONG, RIGHT = "Valladolidd", "Valladolid"
HUB, TOWN = "Medina del Campo", "Tordesillas"
CITIES = (WRONG, RIGHT, HUB, TOWN)
WEIGHTS = (2, 2, 6, 1)
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class Crowd(Clients):
    """Clients that join, move, repeat requests and are forgotten, at either server, and a reader
    of /changes."""

    page = 50

    def __init__(self, urls: list[str]) -> None:
        super().__init__(urls[0], CLIENTS)
        self.urls = urls
        self.failures: list[str] = []
        self.joins = 0

    def run_client(self, client: int) -> None:
        rng = random.Random(client)
        users = 0
        with session() as http:
            while not self.stopping.is_set():
                # New, moving and repeating users, in turn.
                users += rng.random() < 0.5
                body = {
                    "_id": f"{client}-{rng.randrange(users + 1)}",
                    "city": rng.choices(CITIES, WEIGHTS)[0],
                    "country": "ES",
                    "interests": [rng.choice(INTERESTS)],
                }
                response = http.post(f"{rng.choice(self.urls)}/rooms", json=body)
                self.statuses[response.status_code] += 1
                self.joins += 1
                if response.status_code >= 300:
                    self.failures.append(response.text)
                if rng.random() < 0.02:
                    self._forget(http, body["_id"], rng.sample(self.urls, 2))

    def _forget(self, http: requests.Session, user: object, urls: list[str]) -> None:
        statuses = (
            http.delete(f"{urls[0]}/users/{user}").status_code,
            http.get(f"{urls[1]}/users/{user}").status_code,
        )
        if statuses != (204, 404):
            self.failures.append(f"DELETE and GET answered {statuses}")

    def wait_for_joins(self) -> None:
        """Wait until the clients have sent 200 more joins."""
        joins_before = self.joins
        wait_until(lambda: self.joins > joins_before + 200)


def place(http: requests.Session, url: str, user: str, city: str) -> Any:
    body = {"_id": user, "city": city, "country": "ES", "interests": ["movies"]}
    return http.post(f"{url}/rooms", json=body).json()


def place_at_each(http: requests.Session, urls: list[str], user: str, city: str) -> list[Any]:
    """Place a new user by each server, and return the answers."""
    return [place(http, url, f"{user}-{number}", city) for number, url in enumerate(urls)]


def test_no_member_is_left_behind_while_admins_move_rooms(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    urls = [serve(WEB_CONCURRENCY="1").url for _ in range(2)]
    sql = sql_on(new_database)

    def manage(*arguments: str) -> None:
        result = run_manage(*arguments, DATABASE_URL=new_database)
        assert result.returncode == 0, result.stderr

    with session() as http:
        ids = {
            city: place(http, urls[0], f"first-{number}", city)["city"]["id"]
            for number, city in enumerate(CITIES)
        }
        wrong_rooms = [r[0] for r in sql("SELECT id FROM rooms WHERE city_id = %s", (ids[WRONG],))]
        with Crowd(urls) as crowd:
            crowd.wait_for_joins()
            manage("cities", "merge", str(ids[WRONG]), str(ids[RIGHT]), "--yes")
            for answer in place_at_each(http, urls, "after-merge", WRONG):
                assert answer["city"]["id"] == ids[RIGHT]
            crowd.wait_for_joins()
            ((in_town,),) = sql("SELECT count(*) FROM memberships WHERE city_id = %s", (ids[TOWN],))
            manage("cities", "gather", "--min-members", str(in_town * 3), "--yes")
            for answer in place_at_each(http, urls, "after-gather", TOWN):
                assert answer["hub"]["id"] == ids[HUB]
            crowd.wait_for_joins()
            manage("cities", "release", str(ids[TOWN]), "--yes")
            for answer in place_at_each(http, urls, "after-release", TOWN):
                assert answer["hub"] is None
            manage("model", "register")
            crowd.wait_for_joins()
        assert crowd.failures == []
        for room in wrong_rooms:
            response = http.get(f"{urls[1]}/rooms/{room}", allow_redirects=False)
            assert response.status_code == 308

    strays = sql(
        "SELECT count(*) FROM memberships AS m JOIN rooms ON rooms.id = m.room_id"
        " JOIN cities ON cities.id = m.city_id"
        " WHERE rooms.city_id <> coalesce(cities.hub_id, cities.id)"
        " OR cities.merged_into IS NOT NULL"
    )
    assert strays == [(0,)]
    assert sql(
        "SELECT count(*) FROM rooms JOIN cities ON cities.id = rooms.city_id"
        " WHERE cities.merged_into IS NOT NULL OR cities.hub_id IS NOT NULL"
    ) == [(0,)]
    written = [row[0] for row in sql("SELECT id FROM room_changes ORDER BY id")]
    seen = [change["id"] for change in crowd.changes]
    assert seen == sorted(set(seen))
    # Forgetting a user also deleted the user's moves.
    assert set(written) <= set(seen)
    assert {change["reason"] for change in crowd.changes} == {"merge", "gather", "release"}
