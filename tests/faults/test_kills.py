"""Kills under load: no acknowledged join is lost, and the service recovers within 2 s."""

import os

from tests.support.kills import run_kills
from tests.support.trials.stage import Stage

# `make faults` sets 20.
ROUNDS = int(os.environ.get("FAULT_KILLS", "3"))
MAX_RECOVERY_S = 2.0


def test_no_kill_under_load_loses_an_acknowledged_join(stage: Stage) -> None:
    for result in run_kills(stage, ROUNDS):
        result.check()
        assert result.recovery_s <= MAX_RECOVERY_S
