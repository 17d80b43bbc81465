"""A merge is taken back while clients of two servers, each with its own caches, join."""

import random
from collections.abc import Callable

from tests.moves.test_paused_processes import STRAYS
from tests.support.clients import Clients
from tests.support.databases import sql_on
from tests.support.http import session
from tests.support.manage import run_manage
from tests.support.serving import Gunicorn, wait_until

CLIENTS = 12
WRONG, RIGHT = "Valladolidd", "Valladolid"
INTERESTS = ("movies", "ruralTourism", "parties", "theaters")


class Joiners(Clients):
    """Clients whose users give one of the two cities; `said`: the city that each gave last.

    A user repeats the same city with other interests, or moves to the other city.
    """

    def __init__(self, urls: list[str]) -> None:
        super().__init__(urls[0], CLIENTS)
        self.urls = urls
        self.failures: list[str] = []
        self.said: dict[str, str] = {}

    def run_client(self, client: int) -> None:
        rng, users = random.Random(client), 0
        with session() as http:
            while not self.stopping.is_set():
                users += rng.random() < 0.5
                user = f"{client}-{rng.randrange(users + 1)}"
                city = rng.choice((WRONG, RIGHT))
                interests = rng.sample(INTERESTS, 2)
                body = {"_id": user, "city": city, "country": "ES", "interests": interests}
                response = http.post(f"{rng.choice(self.urls)}/rooms", json=body)
                self.statuses[response.status_code] += 1
                # A request with the stored town and interests changes nothing, so the city that
                # was given before counts: its users are left out.
                if response.ok and response.json()["joined"]:
                    self.said[user] = city
                elif response.ok:
                    self.said.pop(user, None)
                else:
                    self.failures.append(response.text)

    def wait_for_joins(self) -> None:
        """Wait until the clients have sent 200 more joins."""
        before = self.statuses.total()
        wait_until(lambda: self.statuses.total() > before + 200)


def test_nobody_is_stranded_by_an_unmerge_while_12_clients_join(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    urls = [serve(WEB_CONCURRENCY="1").url for _ in range(2)]
    sql = sql_on(new_database)
    with session() as http:
        ids = {}
        for city in (WRONG, RIGHT):
            body = {"_id": f"first-{city}", "city": city, "country": "ES", "interests": ["movies"]}
            ids[city] = http.post(f"{urls[0]}/rooms", json=body).json()["city"]["id"]
        with Joiners(urls) as joiners:
            for command in (
                ("merge", str(ids[WRONG]), str(ids[RIGHT])),
                ("unmerge", str(ids[WRONG])),
                ("merge", str(ids[WRONG]), str(ids[RIGHT])),
                ("unmerge", str(ids[WRONG])),
            ):
                joiners.wait_for_joins()
                done = run_manage("cities", *command, "--yes", DATABASE_URL=new_database)
                assert done.returncode == 0, done.stderr
            joiners.wait_for_joins()
            for number, url in enumerate(urls):
                answer = http.post(
                    f"{url}/rooms", json=body | {"_id": f"after-{number}", "city": WRONG}
                )
                assert answer.json()["city"]["id"] == ids[WRONG]
    assert joiners.failures == []
    assert joiners.statuses.keys() <= {200, 201}
    assert sql(STRAYS) == [(0,)]
    stored = dict(sql("SELECT user_id, city_id FROM memberships"))
    names = {city_id: name for name, city_id in ids.items()}
    assert {user: names[stored[user]] for user in joiners.said} == joiners.said
    assert sql("SELECT count(*) FROM memberships WHERE said_city_id IS NOT NULL") == [(0,)]
    assert sql("SELECT count(*) FROM room_redirects") == [(0,)]
    written = [row[0] for row in sql("SELECT id FROM room_changes ORDER BY id")]
    assert [change["id"] for change in joiners.changes] == written
    assert {change["reason"] for change in joiners.changes} == {"merge", "unmerge"}
