"""Erasures and moves of the last users of a place, while others join it at both workers."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2

from app.domain.members.empty_places import REMOVE
from tests.support.clients import Clients
from tests.support.databases import direct_url, sql_on
from tests.support.http import session
from tests.support.serving import Gunicorn, wait_until

PLACES = ("Zuheros del Mar", "Vila Buida", "Aldea Quemada")
CLIENTS, JOINS = 12, 500
LOCK_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
JOIN = """
    INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at, joined_at,
        updated_at)
    SELECT 'eva', city_id, room_id, interests, model_id, now(), now(), now() FROM memberships
"""
STRAYS = """
    SELECT count(*) FROM memberships AS member
    LEFT JOIN rooms ON rooms.id = member.room_id
    WHERE rooms.city_id IS DISTINCT FROM member.city_id
"""


class Leavers(Clients):
    """Clients, each with one user who joins a place and then leaves it, mostly as its last user.

    `failures`: what was not as promised: each join is answered with a room in which the user is.
    """

    def __init__(self, url: str, places: tuple[str, ...], clients: int) -> None:
        super().__init__(url, clients, reads_changes=False)
        self.places = places
        self.failures: list[str] = []
        self.joins = 0

    def run_client(self, client: int) -> None:
        rng = random.Random(client)
        user = f"user-{client}"
        while not self.stopping.is_set():
            # A connection for each user's life, so that the kernel chooses the worker anew.
            with session() as http:
                for _ in range(rng.randint(1, 2)):
                    body = {
                        "_id": user,
                        "city": rng.choice(self.places),
                        "interests": [rng.choice(("surf", "movies"))],
                    }
                    joined = http.post(f"{self.url}/rooms", json=body)
                    self.statuses[joined.status_code] += 1
                    self.joins += 1
                    if joined.status_code >= 300:
                        self.failures.append(joined.text)
                        continue
                    stored = http.get(f"{self.url}/users/{user}").json()
                    if stored["room_id"] != joined.json()["room_id"]:
                        self.failures.append(f"{stored} is not {joined.text}")
                    elif not http.get(f"{self.url}/rooms/{stored['room_id']}").ok:
                        self.failures.append(f"no room {stored}")
                if rng.random() < 0.8:
                    self.statuses[http.delete(f"{self.url}/users/{user}").status_code] += 1


def check(server: Gunicorn, database: str, places: tuple[str, ...], clients: int) -> None:
    with Leavers(server.url, places, clients) as leavers:
        wait_until(lambda: leavers.joins > JOINS or bool(leavers.failures))
    assert leavers.failures == []
    assert set(leavers.statuses) <= {200, 201, 204}
    sql = sql_on(database)
    assert sql(STRAYS) == [(0,)]
    with session() as http:
        for client in range(clients):
            assert http.delete(f"{server.url}/users/user-{client}").status_code == 204
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]
    assert sql("SELECT count(*) FROM rooms") == [(0,)]


def test_nobody_is_stranded_where_the_last_user_leaves_and_another_joins(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    check(serve(WEB_CONCURRENCY="2"), new_database, PLACES, CLIENTS)


def test_two_users_who_take_turns_in_one_place_always_get_a_room(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    check(serve(WEB_CONCURRENCY="2"), new_database, PLACES[:1], 2)


def test_a_join_that_finds_its_place_just_removed_gets_a_new_one(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    server, sql = serve(WEB_CONCURRENCY="1"), sql_on(new_database)
    body = {"_id": "ana", "city": PLACES[0], "interests": ["surf"]}
    with (
        session() as http,
        ThreadPoolExecutor(1) as thread,
        closing(psycopg2.connect(direct_url(new_database))) as removing,
        removing.cursor() as cursor,
    ):
        old = http.post(f"{server.url}/rooms", json=body).json()
        cursor.execute("DELETE FROM memberships")
        cursor.execute(REMOVE, {"places": [old["city"]["id"]]})
        joining = thread.submit(
            http.post, f"{server.url}/rooms", json=body | {"_id": "eva", "city": PLACES[0]}
        )
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        removing.commit()
        joined = joining.result()
    assert joined.status_code == 201, joined.text
    assert joined.json()["city"]["id"] != old["city"]["id"]
    assert sql("SELECT user_id, room_id FROM memberships") == [("eva", joined.json()["room_id"])]


def test_an_erasure_waits_for_a_join_in_progress_and_leaves_it_the_place(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    server, sql = serve(WEB_CONCURRENCY="1"), sql_on(new_database)
    with (
        session() as http,
        ThreadPoolExecutor(1) as thread,
        closing(psycopg2.connect(direct_url(new_database))) as joining,
        joining.cursor() as cursor,
    ):
        body = {"_id": "ana", "city": PLACES[0], "interests": ["surf"]}
        room = http.post(f"{server.url}/rooms", json=body).json()["room_id"]
        cursor.execute(JOIN)
        erasing = thread.submit(http.delete, f"{server.url}/users/ana")
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        joining.commit()
        assert erasing.result().status_code == 204
        assert http.get(f"{server.url}/rooms/{room}").json()["members"] == 1
    assert sql("SELECT user_id, room_id FROM memberships") == [("eva", room)]
