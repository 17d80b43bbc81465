"""Kill one part of the service after another while a crowd joins, and count what is lost."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.support.crowd import Crowd
from tests.support.postgres import Postgres
from tests.support.service import WORKERS, Service
from tests.support.serving import until


@dataclass(frozen=True)
class Kill:
    """What one kill did. `back`: seconds from when the killed part was there again (a worker: from
    the kill) until every client had been answered with 2xx."""

    what: str
    acknowledged: int
    lost: int
    back: float

    def __str__(self) -> str:
        return (
            f"{self.what:32} {self.acknowledged:7,} joins acknowledged, {self.lost} lost, "
            f"back in {self.back:.2f} s"
        )


class Stage:
    """The parts that can be killed, each brought back as whoever runs the service would.

    Every method returns the moment from which the service has no excuse.
    """

    def __init__(self, postgres: Postgres, database: str, end: ExitStack) -> None:
        self.postgres = postgres
        self.database = database
        self.end = end
        self.service = self._serve()

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
        until(lambda: victim not in (alive := self.service.workers()) and len(alive) == WORKERS)
        return moment

    def kill_arbiter(self) -> float:
        self.service.process.kill()
        self.service.process.wait()
        self.service = self._serve(self.service.port)
        return time.monotonic()

    def _serve(self, port: int | None = None) -> Service:
        service = Service(self.database, port)
        self.end.callback(service.end)
        return service


WAYS: tuple[tuple[str, Callable[[Stage], float]], ...] = (
    ("kill -9 of Postgres", Stage.kill_postgres),
    ("kill -9 of a worker", Stage.kill_worker),
    ("kill -9 of the gunicorn arbiter", Stage.kill_arbiter),
    ("immediate shutdown of Postgres", Stage.shut_postgres_down),
)


def kills(postgres: Postgres, database: str, rounds: int) -> Iterator[Kill]:
    """Kill in turn, `rounds` times, under one steady load."""
    with ExitStack() as end:
        stage = Stage(postgres, database, end)
        crowd = end.enter_context(Crowd(stage.service.url))
        for what, kill in itertools.islice(itertools.cycle(WAYS), rounds):
            crowd.go_on()
            back = crowd.back_since(kill(stage))
            yield Kill(what, len(crowd.acknowledged), len(crowd.lost(database)), back)
    assert not crowd.lost(database), crowd.lost(database)
