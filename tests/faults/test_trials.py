"""Faults under load: none loses an acknowledged join or leaves a request unanswered."""

import os
from collections.abc import Callable

import pytest

from tests.support.trials import clocks, databases, overload, processes, soak
from tests.support.trials.stage import Stage

TRIALS: tuple[Callable[[Stage], None], ...] = (
    databases.primary_killed,
    databases.database_frozen,
    databases.too_few_connections,
    databases.no_connections,
    databases.wal_full,
    databases.pooler_restarted,
    databases.pooler_frozen,
    overload.arrivals_at_twice_the_capacity,
    processes.workers_recycled,
    processes.workers_signalled,
    processes.service_stopped,
    clocks.clock_ahead,
    soak.admins_at_work,
)
# Each is similar to one of the trials above: `make faults` tries them too.
if "FAULT_SECONDS" in os.environ:
    TRIALS += (databases.primary_frozen, databases.disk_full, clocks.clock_behind)


@pytest.mark.parametrize("trial", TRIALS, ids=[trial.__name__ for trial in TRIALS])
def test_no_fault_loses_a_join_or_leaves_a_request_unanswered(
    trial: Callable[[Stage], None], stage: Stage
) -> None:
    before = len(stage.results)
    trial(stage)
    for result in stage.results[before:]:
        result.check()
