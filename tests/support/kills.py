"""Kills one process of the service after another under load, and counts the lost joins."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.support.load_clients import LoadClients
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import wait_until


@dataclass(frozen=True)
class KillResult:
    """The effect of one kill.

    `recovery_s`: from the restart of the killed process (from the kill of a worker, which gunicorn
    replaces) until every client has received a 2xx.
    """

    name: str
    acknowledged: int
    lost: int
    recovery_s: float

    def __str__(self) -> str:
        return (
            f"{self.name:32} {self.acknowledged:7,} joins acknowledged, {self.lost} lost, "
            f"recovered in {self.recovery_s:.2f} s"
        )


class Target:
    """The processes that can be killed.

    Each method kills one, restarts it if the service does not, and returns the moment from which
    the service must recover.
    """

    def __init__(self, postgres: Postgres, database: str, stack: ExitStack) -> None:
        self.postgres = postgres
        self.database = database
        self.stack = stack
        self.service = self._start_service()

    def kill_postgres(self) -> float:
        self.postgres.stop(signal.SIGKILL)
        return self.postgres.start()

    def shut_postgres_down(self) -> float:
        self.postgres.stop(signal.SIGQUIT)
        return self.postgres.start()

    def kill_worker(self) -> float:
        victim = self.service.workers()[0]
        os.kill(victim, signal.SIGKILL)
        moment = time.monotonic()
        wait_until(lambda: self._is_replaced(victim))
        return moment

    def kill_arbiter(self) -> float:
        self.service.process.kill()
        self.service.process.wait()
        self.service = self._start_service(self.service.port)
        return time.monotonic()

    def _is_replaced(self, victim: int) -> bool:
        workers = self.service.workers()
        return victim not in workers and len(workers) == WORKERS

    def _start_service(self, port: int | None = None) -> Service:
        service = Service(self.database, port)
        self.stack.callback(service.kill)
        return service


KILLS: tuple[tuple[str, Callable[[Target], float]], ...] = (
    ("kill -9 of Postgres", Target.kill_postgres),
    ("kill -9 of a worker", Target.kill_worker),
    ("kill -9 of the gunicorn arbiter", Target.kill_arbiter),
    ("immediate shutdown of Postgres", Target.shut_postgres_down),
)


def run_kills(postgres: Postgres, database: str, rounds: int) -> Iterator[KillResult]:
    """Yield the result of each kill: `rounds` of them, in turn, under one steady load."""
    with ExitStack() as stack:
        target = Target(postgres, database, stack)
        clients = stack.enter_context(LoadClients(target.service.url))
        for name, kill in itertools.islice(itertools.cycle(KILLS), rounds):
            clients.wait_for_joins()
            recovery_s = clients.recovery_s(kill(target))
            lost = len(clients.lost_users(database))
            yield KillResult(name, len(clients.acknowledged), lost, recovery_s)
    lost_users = clients.lost_users(database)
    assert not lost_users, lost_users
