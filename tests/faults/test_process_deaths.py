"""A killed worker, and SIGTERM under load: no acknowledged join is lost."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.support.databases import Sql
from tests.support.http import session
from tests.support.load_clients import LoadClients
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import KEY, Gunicorn, wait_until

# graceful_timeout of gunicorn.conf.py; Heroku kills after 30 s.
GRACEFUL_TIMEOUT_S = 22
STOP_TIMEOUT_S = 8
# `make faults` stops more often.
STOPS = int(os.environ.get("FAULT_KILLS", "4"))


def test_a_killed_worker_is_replaced_while_the_other_answers(
    service: Service, database: str
) -> None:
    first = service.workers()
    with LoadClients(service.url) as clients:
        clients.wait_for_joins()
        os.kill(first[0], signal.SIGKILL)
        clients.wait_for_joins()
        wait_until(lambda: len(service.workers()) == WORKERS and first[0] not in service.workers())
        clients.wait_for_joins()
    assert first[1] in service.workers()
    assert clients.faults == []
    assert clients.lost_users(database) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("phase", ["Listening at", "Booting worker", "ready"])
def test_a_stop_during_the_start_ends_within_seconds(
    number: signal.Signals, phase: str, database: str
) -> None:
    for _ in range(STOPS):
        variables = {"DATABASE_URL": database, "API_KEYS": KEY, "WEB_CONCURRENCY": "2"}
        gunicorn = Gunicorn(variables, is_awaited=False)
        if phase == "ready":
            gunicorn.wait_until_ready()
        else:
            wait_until(lambda: phase in gunicorn.log.read_text())  # noqa: B023
        began = time.monotonic()
        gunicorn.stop(number)
        assert time.monotonic() - began < STOP_TIMEOUT_S, gunicorn.log.read_text()[-2000:]


@pytest.mark.parametrize("to_all", [True, False], ids=["as Heroku sends it", "to the arbiter"])
def test_sigterm_under_load_loses_no_join_and_refuses_only_what_can_be_retried(
    to_all: bool, service: Service, database: str
) -> None:
    with LoadClients(service.url) as clients:
        clients.wait_for_joins()
        began = time.monotonic()
        (os.killpg if to_all else os.kill)(service.process.pid, signal.SIGTERM)
        assert service.process.wait(GRACEFUL_TIMEOUT_S + 5) == 0
        assert time.monotonic() - began < GRACEFUL_TIMEOUT_S
    assert clients.faults == []
    assert clients.refused["no connection"] > 0
    assert clients.lost_users(database) == set()


def test_a_running_join_is_answered_after_sigterm(
    service: Service, postgres: Postgres, sql: Sql
) -> None:
    body = {"_id": "slow", "city": "Fault Town", "interests": ["movies"]}
    with (
        session() as http,
        closing(postgres.connect(sql("SELECT current_database()")[0][0])) as admin,
    ):
        room = http.post(f"{service.url}/rooms", json=body).json()["room_id"]
        admin.autocommit = False
        admin.cursor().execute("LOCK TABLE memberships")
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(
                http.post, f"{service.url}/rooms", json=body | {"_id": "slower"}, timeout=15
            )
            wait_until(lambda: postgres.count_lock_waits() == 1)
            os.killpg(service.process.pid, signal.SIGTERM)
            wait_until(lambda: "Handling signal: term" in service.log.read_text())
            admin.commit()
            response = future.result()
    assert response.status_code == 200
    assert response.json()["room_id"] == room
    assert sql("SELECT room_id FROM memberships WHERE user_id = 'slower'") == [(room,)]
    assert service.process.wait(GRACEFUL_TIMEOUT_S) == 0
