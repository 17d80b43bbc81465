"""More clients than connections: one room for each pair, and a bounded number of connections."""

import threading
from collections import Counter

from app.config import Settings
from model.predict import Model
from tests.support.databases import Sql
from tests.support.postgres import Postgres
from tests.support.race import PAIRS, PAIRS_PER_CLIENT, RACE_CLIENTS, run_race
from tests.support.service import WORKERS, Service


def test_64_clients_racing_for_200_new_pairs_create_200_rooms(
    service: Service, sql: Sql, model: Model
) -> None:
    responses = run_race(service.url, model)
    statuses = Counter(status for _, status, _ in responses)
    assert statuses == {201: PAIRS, 200: RACE_CLIENTS * PAIRS_PER_CLIENT - PAIRS}
    rooms: dict[int, set[int]] = {}
    for pair, _, body in responses:
        rooms.setdefault(pair, set()).add(body["room_id"])
    assert len(rooms) == PAIRS
    assert all(len(ids) == 1 for ids in rooms.values())
    assert sql("SELECT count(*) FROM rooms") == [(PAIRS,)]
    assert sql("SELECT count(*) FROM memberships") == [(RACE_CLIENTS * PAIRS_PER_CLIENT,)]


def test_connections_never_exceed_the_pool_size_with_any_number_of_threads(
    postgres: Postgres, database: str, model: Model
) -> None:
    threads = 16
    max_connections = WORKERS * Settings(requested_workers=WORKERS, threads=threads).pool_size
    assert max_connections < WORKERS * threads
    service = Service(database, WEB_THREADS=str(threads))
    counts: list[int] = []
    done = threading.Event()

    def count_connections() -> None:
        while not done.is_set():
            counts.append(len(postgres.backends()))

    counter = threading.Thread(target=count_connections)
    counter.start()
    try:
        statuses = {status for _, status, _ in run_race(service.url, model, RACE_CLIENTS // 2)}
    finally:
        done.set()
        counter.join()
        service.kill()
    assert statuses <= {200, 201}
    # A publication is due at the start, and each worker may open a connection for it.
    assert WORKERS < max(counts) <= max_connections + WORKERS
