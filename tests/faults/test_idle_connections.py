"""Idle connections are given up, so that another process can open one."""

import os
import signal

from app.config import Settings
from tests.support.http import session
from tests.support.load_clients import LoadClients
from tests.support.postgres import Postgres
from tests.support.scarcity import COUNT_OURS, free_connections
from tests.support.service import WORKERS, Service
from tests.support.serving import wait_until

REQUESTS = 54


def test_an_idle_service_gives_its_connections_back_and_then_answers_every_request(
    postgres: Postgres, service: Service
) -> None:
    available = Settings(requested_workers=WORKERS).pool_size

    def join(number: int) -> int:
        body = {"_id": f"later-{number}", "city": "Fault Town", "interests": ["movies"]}
        with session() as http:
            return http.post(f"{service.url}/rooms", json=body, timeout=15).status_code

    frozen = service.workers()[0]
    os.kill(frozen, signal.SIGSTOP)
    try:
        with free_connections(postgres, available) as ask:
            with LoadClients(service.url, 4 * available) as clients:
                clients.wait_for_joins()
                wait_until(lambda: ask(COUNT_OURS) == available)
            # One worker has all connections, and the other one has no work yet.
            os.kill(frozen, signal.SIGCONT)
            wait_until(lambda: ask(COUNT_OURS) == 0)
            statuses = [join(number) for number in range(REQUESTS)]
    finally:
        os.kill(frozen, signal.SIGCONT)
    print(f"\n{statuses.count(503)} of {REQUESTS} refused")
    assert clients.faults == []
    assert set(statuses) <= {200, 201}
