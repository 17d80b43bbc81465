"""More clients than connections: one room a pair, and no more connections than were promised."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.config import Settings
from model.predict import Model
from tests.support.databases import Sql
from tests.support.http import profile_of, session
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service

CLIENTS = 64
PAIRS = 200
# Each client asks for a part of the pairs, so that each pair is raced for by about ten.
PART = 30
Answer = tuple[int, int, Any]


def race(url: str, profiles: list[list[str]], client: int) -> list[Answer]:
    """Ask for a part of the pairs, in the order in which all do, and tell what came."""
    answers = []
    pairs = sorted(random.Random(client).sample(range(PAIRS), PART))
    with session() as http:
        for pair in pairs:
            town, which = divmod(pair, len(profiles))
            response = http.post(
                f"{url}/rooms",
                json={
                    "_id": f"racer-{client}-{pair}",
                    "city": f"Race Town {town}",
                    "interests": profiles[which],
                },
                timeout=30,
            )
            answers.append((pair, response.status_code, response.json()))
    return answers


def all_race(url: str, model: Model, clients: int = CLIENTS) -> list[Answer]:
    """Let that many clients race, and give all answers."""
    profiles = [profile_of(model, cluster) for cluster in model.cluster_ids]
    with ThreadPoolExecutor(clients) as pool:
        racers = pool.map(lambda client: race(url, profiles, client), range(clients))
        return [answer for many in racers for answer in many]


def test_64_clients_racing_for_200_new_pairs_make_200_rooms(
    service: Service, look: Sql, model: Model
) -> None:
    answers = all_race(service.url, model)
    statuses = Counter(status for _, status, _ in answers)
    assert statuses == {201: PAIRS, 200: CLIENTS * PART - PAIRS}
    rooms: dict[int, set[int]] = {}
    for pair, _, answer in answers:
        rooms.setdefault(pair, set()).add(answer["room_id"])
    assert len(rooms) == PAIRS
    assert all(len(ids) == 1 for ids in rooms.values())
    assert look("SELECT count(*) FROM rooms") == [(PAIRS,)]
    assert look("SELECT count(*) FROM memberships") == [(CLIENTS * PART,)]


def test_connections_never_exceed_the_pools_bound_however_many_threads_ask(
    postgres: Postgres, database: str, model: Model
) -> None:
    threads = 16
    bound = WORKERS * Settings(workers=WORKERS, threads=threads).pool_size
    assert bound < WORKERS * threads
    service = Service(database, WEB_THREADS=str(threads))
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(len(postgres.backends()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        statuses = {status for _, status, _ in all_race(service.url, model, CLIENTS // 2)}
    finally:
        done.set()
        watcher.join()
        service.end()
    assert statuses <= {200, 201}
    assert WORKERS < max(seen) <= bound
