"""Kills one process of the service after another under load."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import wait_until
from tests.support.trials.results import TrialResult
from tests.support.trials.stage import Stage


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


def run_kills(stage: Stage, rounds: int) -> Iterator[TrialResult]:
    """Yield the result of each kill: `rounds` of them, in turn, of one service.

    The service must recover from the restart of the killed process, or from the kill of a worker,
    which gunicorn replaces.
    """
    with ExitStack() as stack:
        target = Target(stage.postgres, stage.database, stack)
        for name, kill in itertools.islice(itertools.cycle(KILLS), rounds):
            with stage.under_load(name, target.service.url) as load:
                load.fault_ended_at = kill(target)
            yield stage.results[-1]
