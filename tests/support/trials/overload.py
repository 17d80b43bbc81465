"""A trial with more joins than the service has capacity for."""

import asyncio

from tests.support.load_clients import lost_users
from tests.support.trials.crowd import Crowd
from tests.support.trials.results import TrialResult
from tests.support.trials.stage import LivenessProbe, Stage

CONNECTIONS = 2_000
# Enough that all threads of the service are busy.
CAPACITY_CONNECTIONS = 64
CAPACITY_SECONDS = 1.0
# The service refuses nothing in a burst of a few seconds.
MIN_SECONDS = 5.0


def arrivals_at_twice_the_capacity(stage: Stage) -> None:
    """Send twice as many joins as the service can answer: the others are refused soon."""
    with stage.service() as service, LivenessProbe(service.url) as probe:
        measured = Crowd(service.url, CAPACITY_CONNECTIONS, "measured")
        asyncio.run(measured.run(None, CAPACITY_SECONDS))
        capacity = len(measured.acknowledged) / CAPACITY_SECONDS
        crowd = Crowd(service.url, CONNECTIONS, "crowd")
        recovery_s = asyncio.run(crowd.run(2 * capacity, max(stage.seconds, MIN_SECONDS)))
    unexpected = crowd.answers.keys() - {"200", "201", "503", "reset"}
    stage.record(
        TrialResult(
            f"twice the capacity, {CONNECTIONS:,} clients",
            len(crowd.acknowledged),
            len(lost_users(crowd.acknowledged, stage.database)),
            sum(crowd.answers[status] for status in unexpected),
            crowd.answers["503"],
            crowd.answers["reset"],
            max(crowd.longest_waits_s.values()),
            probe.longest_wait_s,
            recovery_s,
        )
    )
    longest = {status: f"{wait_s:.1f} s" for status, wait_s in crowd.longest_waits_s.items()}
    print(f"capacity {capacity:,.0f} joins a second; longest wait by status: {longest}")
    assert crowd.answers["503"] > 0
