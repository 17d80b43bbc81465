"""The service's Prometheus metrics.

Several workers write to files of one directory and GET /metrics adds them up. The directory
(app.config.create_metrics_directory) must exist before this module is imported.
"""

import fcntl
import itertools
import os
from functools import lru_cache
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

_writer = "arbiter"
if values.ValueClass is not values.MutexValue:
    # A file's name ends in its writer's name, by default the process id.
    values.ValueClass = values.MultiProcessValue(lambda: _writer)  # type: ignore[no-untyped-call]

REQUESTS = Counter(
    "nomad_rooms_requests_total", "Requests answered.", ("method", "route", "status")
)
SECONDS = Histogram(
    "nomad_rooms_request_seconds",
    "Time to a response.",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
JOINS = Counter("nomad_rooms_joins_total", "Users who joined their first room.")
MOVES = Counter("nomad_rooms_moves_total", "Users who moved to another room.")
ROOMS = Counter("nomad_rooms_rooms_created_total", "Rooms created.")
UNLISTED = Counter("nomad_rooms_unlisted_cities_total", "Unlisted cities created.")
DATABASE_WAITS = Counter(
    "nomad_rooms_database_waits_total", "Statements that waited for a free connection."
)
DATABASE_FAULTS = Counter(
    "nomad_rooms_database_faults_total", "Statements that the database could not answer."
)
MODEL = Gauge("nomad_rooms_model", "1 for the model in service.", ("id",), multiprocess_mode="max")


@lru_cache(maxsize=1024)
def _request_metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looking up the labels takes longer than counting.
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(route)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one response; `route` is the template, so that ids make no time series."""
    counter, histogram = _request_metrics(method, route, status)
    counter.inc()
    histogram.observe(seconds)


def exposition(directory: str | None) -> tuple[bytes, str]:
    """Return all workers' metrics in Prometheus' text format, and its content type.

    `directory`: where the workers of a multiprocess service write; None: this process only.
    """
    if directory is None:
        return generate_latest(), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def continue_files(directory: str) -> None:
    """Let this worker write to the files of one that ended, and add to its counts.

    With files of its own for each worker, GET /metrics would read more of them with each worker
    that is replaced.
    """
    global _writer
    for number in itertools.count(1):
        lock = os.open(Path(directory) / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            # The lock ends with the process.
            _writer = f"worker{number}"
            return
