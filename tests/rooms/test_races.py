"""Races that need a real server and real threads."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from model.predict import Model
from tests.support.databases import sql_on
from tests.support.http import profile_of, session
from tests.support.serving import Gunicorn

CLIENTS = 32
PAIRS = 100
AREA = ["Spain", "España", "Espanya", "Spain, Europe", "SPAIN", "Espagne", "🇪🇸", "スペイン"]


def test_clients_racing_for_new_pairs_create_one_room_and_one_city_each(
    serve: Callable[..., Gunicorn], new_database: str, model: Model
) -> None:
    server = serve()
    profiles = [profile_of(model, cluster) for cluster in model.cluster_ids]

    def join_all_pairs(client: int) -> list[tuple[int, Any]]:
        answers = []
        with session() as http:
            # Half of the clients race for each pair.
            for pair in range(client % 2, PAIRS, 2):
                response = http.post(
                    f"{server.url}/rooms",
                    json={
                        "_id": f"user-{client}-{pair}",
                        "city": f"Race Town {pair}",
                        "interests": profiles[pair % len(profiles)],
                    },
                )
                answers.append((response.status_code, response.json()))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for many in pool.map(join_all_pairs, range(CLIENTS)) for answer in many]
    statuses = Counter(status for status, _ in answers)
    assert statuses == {201: PAIRS, 200: (CLIENTS // 2 - 1) * PAIRS}
    assert sum(answer["created"] for _, answer in answers) == PAIRS
    rooms: dict[str, set[int]] = {}
    for _, answer in answers:
        rooms.setdefault(answer["city"]["name"], set()).add(answer["room_id"])
    assert all(len(ids) == 1 for ids in rooms.values())
    sql = sql_on(new_database)
    assert sql("SELECT count(*) FROM rooms") == [(PAIRS,)]
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(PAIRS,)]
    assert sql("SELECT count(*) FROM memberships") == [(CLIENTS // 2 * PAIRS,)]


def test_clients_racing_for_one_area_in_eight_spellings_make_one_place(
    serve: Callable[..., Gunicorn], new_database: str, model: Model
) -> None:
    server = serve()
    profiles = [profile_of(model, cluster) for cluster in model.cluster_ids]

    def join_area(client: int) -> list[Any]:
        with session() as http:
            bodies = (
                {"_id": f"{client}-{n}", "city": AREA[client % len(AREA)], "interests": profile}
                for n, profile in enumerate(profiles)
            )
            return [http.post(f"{server.url}/rooms", json=body).json() for body in bodies]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for many in pool.map(join_area, range(CLIENTS)) for answer in many]
    assert {answer["city"]["kind"] for answer in answers} == {"area"}
    assert len({answer["city"]["id"] for answer in answers}) == 1
    assert sum(answer["created"] for answer in answers) == len(profiles)
    sql = sql_on(new_database)
    assert sql("SELECT area_code FROM cities WHERE NOT listed") == [("ES",)]
    assert sql("SELECT count(*) FROM rooms") == [(len(profiles),)]
    assert sql("SELECT count(*) FROM memberships") == [(len(answers),)]


def test_one_user_joining_many_cities_at_once_ends_in_one_of_the_returned_rooms(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    server = serve()

    def join_rooms(client: int) -> list[int]:
        with session() as http:
            bodies = (
                {"_id": "one", "city": f"Tug Town {client} {n}", "interests": ["surf"]}
                for n in range(20)
            )
            return [http.post(f"{server.url}/rooms", json=b).json()["room_id"] for b in bodies]

    with ThreadPoolExecutor(8) as pool:
        rooms = [room for many in pool.map(join_rooms, range(8)) for room in many]
    ((room, previous),) = sql_on(new_database)("SELECT room_id, previous_room_id FROM memberships")
    assert room in rooms
    assert previous in rooms
    assert room != previous
