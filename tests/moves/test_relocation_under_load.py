"""What admins do while clients of two servers, each with caches of its own, keep joining."""

import random
from collections.abc import Callable
from typing import Any

import requests

from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import run_manage
from tests.support.serving import Gunicorn, until

CLIENTS = 16
WRONG, RIGHT = "Valladolidd", "Valladolid"
HUB, TOWN = "Medina del Campo", "Tordesillas"
CITIES = (WRONG, RIGHT, HUB, TOWN)
WEIGHTS = (2, 2, 6, 1)
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class Crowd(Clients):
    """Clients that join, move, ask again and are forgotten until told to stop, now at one server
    and now at the other, and a reader of /changes."""

    page = 50

    def __init__(self, urls: list[str]) -> None:
        super().__init__(urls[0], CLIENTS)
        self.urls = urls
        self.faults: list[str] = []
        self.joins = 0

    def ask(self, client: int) -> None:
        chance = random.Random(client)
        users = 0
        with session() as http:
            while not self.stopping.is_set():
                # New, moving and repeating users, in turn.
                users += chance.random() < 0.5
                body = {
                    "_id": f"{client}-{chance.randrange(users + 1)}",
                    "city": chance.choices(CITIES, WEIGHTS)[0],
                    "country": "ES",
                    "interests": [chance.choice(INTERESTS)],
                }
                response = http.post(f"{chance.choice(self.urls)}/rooms", json=body)
                self.statuses[response.status_code] += 1
                self.joins += 1
                if response.status_code >= 300:
                    self.faults.append(response.text)
                if chance.random() < 0.02:
                    self._forget(http, body["_id"], chance.sample(self.urls, 2))

    def _forget(self, http: requests.Session, user: object, urls: list[str]) -> None:
        statuses = (
            http.delete(f"{urls[0]}/users/{user}").status_code,
            http.get(f"{urls[1]}/users/{user}").status_code,
        )
        if statuses != (204, 404):
            self.faults.append(f"forgotten: {statuses}")

    def go_on(self) -> None:
        """Wait until the clients have done something more."""
        done = self.joins
        until(lambda: self.joins > done + 200)


def place(http: requests.Session, url: str, user: str, city: str) -> Any:
    body = {"_id": user, "city": city, "country": "ES", "interests": ["movies"]}
    return http.post(f"{url}/rooms", json=body).json()


def place_at_each(http: requests.Session, urls: list[str], user: str, city: str) -> list[Any]:
    """What each server answers, who has not asked it before, once a command has ended."""
    return [place(http, url, f"{user}-{number}", city) for number, url in enumerate(urls)]


def test_nobody_is_stranded_while_admins_move_rooms(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    urls = [serve(WEB_CONCURRENCY="1").url for _ in range(2)]
    sql = sql_on(new_database)

    def manage(*arguments: str) -> None:
        done = run_manage(*arguments, DATABASE_URL=new_database)
        assert done.returncode == 0, done.stderr

    with session() as http:
        ids = {
            city: place(http, urls[0], f"first-{number}", city)["city"]["id"]
            for number, city in enumerate(CITIES)
        }
        wrong_rooms = [r[0] for r in sql("SELECT id FROM rooms WHERE city_id = %s", (ids[WRONG],))]
        with Crowd(urls) as crowd:
            crowd.go_on()
            manage("cities", "merge", str(ids[WRONG]), str(ids[RIGHT]), "--yes")
            for answer in place_at_each(http, urls, "after-merge", WRONG):
                assert answer["city"]["id"] == ids[RIGHT]
            crowd.go_on()
            ((in_town,),) = sql("SELECT count(*) FROM memberships WHERE city_id = %s", (ids[TOWN],))
            manage("cities", "gather", "--min-members", str(in_town * 3), "--yes")
            for answer in place_at_each(http, urls, "after-gather", TOWN):
                assert answer["hub"]["id"] == ids[HUB]
            crowd.go_on()
            manage("cities", "release", str(ids[TOWN]), "--yes")
            for answer in place_at_each(http, urls, "after-release", TOWN):
                assert answer["hub"] is None
            manage("model", "register")
            crowd.go_on()
        assert crowd.faults == []
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
    told = [change["id"] for change in crowd.read]
    assert told == sorted(set(told))
    # The moves of those forgotten since are gone with them.
    assert set(written) <= set(told)
    assert {change["reason"] for change in crowd.read} == {"merge", "gather", "release"}
