"""Kills under load: no acknowledged join is lost, and the service recovers within 2 s."""

import os

from tests.support.kills import run_kills
from tests.support.postgres import Postgres

# `make faults` sets 20.
ROUNDS = int(os.environ.get("FAULT_KILLS", "3"))
MAX_RECOVERY_S = 2.0


def test_no_kill_under_load_loses_an_acknowledged_join(postgres: Postgres, database: str) -> None:
    print()
    for number, result in enumerate(run_kills(postgres, database, ROUNDS), 1):
        print(f"{number:3}. {result}", flush=True)
        assert result.lost == 0
        assert result.recovery_s <= MAX_RECOVERY_S
