"""The frame of all trials: service, load, counts, and the time to recover."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support.clients import Clients
from tests.support.load_clients import TIMEOUT_S, LoadClients
from tests.support.postgres import Postgres
from tests.support.service import Service
from tests.support.trials.results import TrialResult

PROBE_INTERVAL_S = 0.2
# Before and after a fault.
STEADY_JOINS = 100


class LivenessProbe(Clients):
    """Sends GET /livez, as a platform does, and records how long it had no answer at most."""

    def __init__(self, url: str) -> None:
        super().__init__(url, 1, reads_changes=False)
        self.longest_wait_s = 0.0

    def run_client(self, client: int) -> None:
        while not self.stopping.wait(PROBE_INTERVAL_S):
            began = time.monotonic()
            with suppress(requests.RequestException):
                requests.get(f"{self.url}/livez", timeout=TIMEOUT_S)
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)


@dataclass
class Load:
    """A steady load of joins. `fault_ended_at`: the moment from which the service must recover; by
    default the end of the block."""

    clients: LoadClients
    fault_ended_at: float | None = None


@dataclass
class Stage:
    """What a trial works with: a server that it may break, a database on it, a directory of its
    own, and for how long a fault lasts. `results`: of all trials so far."""

    postgres: Postgres
    database: str
    directory: Path
    seconds: float
    results: list[TrialResult] = field(default_factory=list)

    @contextmanager
    def service(
        self, database: str | None = None, port: int | None = None, **environment: str
    ) -> Iterator[Service]:
        """Yield a service on the database, or on another one."""
        service = Service(database or self.database, port, **environment)
        try:
            yield service
        finally:
            service.kill()

    @contextmanager
    def under_load(
        self,
        name: str,
        url: str,
        database: str | None = None,
        kind: type[LoadClients] = LoadClients,
        **options: Any,
    ) -> Iterator[Load]:
        """Run the block, which is a fault, under load, and record the result.

        `database`: the one in which to look for joins. `options`: of the clients.
        """
        clients, probe = kind(url, **options), LivenessProbe(url)
        recovery_s = math.inf
        try:
            with clients, probe:
                clients.wait_for_joins(STEADY_JOINS)
                load = Load(clients)
                yield load
                recovery_s = clients.recovery_s(load.fault_ended_at or time.monotonic())
                clients.wait_for_joins(STEADY_JOINS)
        finally:
            result = TrialResult(
                name,
                len(clients.acknowledged),
                len(clients.lost_users(database or self.database)),
                len(clients.faults),
                clients.refused["503"],
                clients.refused["reset"],
                clients.longest_wait_s,
                probe.longest_wait_s,
                recovery_s,
            )
            self.record(result)
            print(*clients.faults[:3], sep="\n", end="", flush=True)

    def record(self, result: TrialResult) -> None:
        """Store a result for the table, and print it as a line."""
        self.results.append(result)
        print(result, flush=True)
