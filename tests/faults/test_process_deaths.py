"""A worker is killed, the service is told to end: no answered join is lost."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.support.crowd import Crowd
from tests.support.databases import Sql
from tests.support.http import session
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import until

# gunicorn.conf.py's graceful_timeout; Heroku kills at 30.
GRACE_S = 22


def test_a_killed_worker_is_replaced_while_the_other_answers(
    service: Service, database: str
) -> None:
    first = service.workers()
    with Crowd(service.url) as crowd:
        crowd.go_on()
        os.kill(first[0], signal.SIGKILL)
        crowd.go_on()
        until(lambda: len(service.workers()) == WORKERS and first[0] not in service.workers())
        crowd.go_on()
    assert first[1] in service.workers()
    assert crowd.faults == []
    assert crowd.lost(database) == set()


@pytest.mark.parametrize("to_all", [True, False], ids=["as Heroku sends it", "to the arbiter"])
def test_sigterm_under_load_loses_no_answer_and_refuses_only_what_is_sent_again(
    to_all: bool, service: Service, database: str
) -> None:
    with Crowd(service.url) as crowd:
        crowd.go_on()
        began = time.monotonic()
        (os.killpg if to_all else os.kill)(service.process.pid, signal.SIGTERM)
        assert service.process.wait(GRACE_S + 5) == 0
        assert time.monotonic() - began < GRACE_S
    assert crowd.faults == []
    assert crowd.refused["connection"] > 0
    assert crowd.lost(database) == set()


def test_a_join_under_way_at_sigterm_is_answered(
    service: Service, postgres: Postgres, look: Sql
) -> None:
    body = {"_id": "slow", "city": "Fault Town", "interests": ["movies"]}
    with session() as http, closing(postgres.connect(look("SELECT current_database()")[0][0])) as a:
        room = http.post(f"{service.url}/rooms", json=body).json()["room_id"]
        a.autocommit = False
        a.cursor().execute("LOCK TABLE memberships")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                http.post, f"{service.url}/rooms", json=body | {"_id": "slower"}, timeout=15
            )
            until(lambda: postgres.waiting() == 1)
            os.killpg(service.process.pid, signal.SIGTERM)
            until(lambda: "Handling signal: term" in service.log.read_text())
            a.commit()
            answer = asked.result()
    assert answer.status_code == 200
    assert answer.json()["room_id"] == room
    assert look("SELECT room_id FROM memberships WHERE user_id = 'slower'") == [(room,)]
    assert service.process.wait(GRACE_S) == 0
