"""Kills under load: nothing acknowledged is lost, and the service is back at once."""

import os

from tests.support.kills import kills
from tests.support.postgres import Postgres

# `make faults` asks for 20.
ROUNDS = int(os.environ.get("FAULT_KILLS", "3"))
BACK_S = 2.0


def test_no_kill_under_load_loses_an_acknowledged_join(postgres: Postgres, database: str) -> None:
    print()
    for number, kill in enumerate(kills(postgres, database, ROUNDS), 1):
        print(f"{number:3}. {kill}", flush=True)
        assert kill.lost == 0
        assert kill.back <= BACK_S
