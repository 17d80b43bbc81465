"""merge, gather and release while clients on two workers keep joining all sides."""

import random
from collections.abc import Callable
from typing import Any

import requests

from tests.cli.test_manage import run_manage
from tests.clients import Clients
from tests.conftest import sql_on
from tests.rooms.test_races import session
from tests.serving import Gunicorn, until

CLIENTS = 16
WRONG, RIGHT = "Valladolidd", "Valladolid"
HUB, TOWN = "Medina del Campo", "Tordesillas"
CITIES = (WRONG, RIGHT, HUB, TOWN)
WEIGHTS = (2, 2, 6, 1)
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class Crowd(Clients):
    """Clients that join, move and ask again until told to stop, and a reader of /changes."""

    page = 50

    def __init__(self, url: str) -> None:
        super().__init__(url, CLIENTS)
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
                response = http.post(f"{self.url}/rooms", json=body)
                self.statuses[response.status_code] += 1
                self.joins += 1
                if response.status_code >= 300:
                    self.faults.append(response.text)

    def go_on(self) -> None:
        """Wait until the clients have done something more."""
        done = self.joins
        until(lambda: self.joins > done + 200)


def place(http: requests.Session, url: str, user: str, city: str) -> Any:
    body = {"_id": user, "city": city, "country": "ES", "interests": ["movies"]}
    return http.post(f"{url}/rooms", json=body).json()


def test_nobody_is_stranded_while_admins_move_rooms(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    server = serve(WEB_CONCURRENCY="2")
    sql = sql_on(new_database)

    def manage(*arguments: str) -> None:
        done = run_manage("cities", *arguments, "--yes", DATABASE_URL=new_database)
        assert done.returncode == 0, done.stderr

    with session() as http:
        ids = {
            city: place(
                http, server.url, f"first {city}"[:9].strip().replace(" ", "-") + city[:3], city
            )["city"]["id"]
            for city in CITIES
        }
        wrong_rooms = [r[0] for r in sql("SELECT id FROM rooms WHERE city_id = %s", (ids[WRONG],))]
        with Crowd(server.url) as crowd:
            crowd.go_on()
            manage("merge", str(ids[WRONG]), str(ids[RIGHT]))
            assert place(http, server.url, "after-merge", WRONG)["city"]["id"] == ids[RIGHT]
            crowd.go_on()
            ((in_town,),) = sql("SELECT count(*) FROM memberships WHERE city_id = %s", (ids[TOWN],))
            manage("gather", "--min-members", str(in_town * 3))
            assert place(http, server.url, "after-gather", TOWN)["hub"]["id"] == ids[HUB]
            crowd.go_on()
            manage("release", str(ids[TOWN]))
            assert place(http, server.url, "after-release", TOWN)["hub"] is None
            crowd.go_on()
        assert crowd.faults == []
        for room in wrong_rooms:
            response = http.get(f"{server.url}/rooms/{room}", allow_redirects=False)
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
    assert [change["id"] for change in crowd.read] == written
    assert {change["reason"] for change in crowd.read} == {"merge", "gather", "release"}
