"""The rows that are counts: rooms after a race, and joins lost over kills under load."""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import track

from benchmarks.rows import Row
from model import artifact
from tests.support.databases import sql_on
from tests.support.kills import run_kills
from tests.support.postgres import Postgres
from tests.support.race import PAIRS, RACE_CLIENTS, run_race
from tests.support.service import Service
from tests.support.trials.stage import Stage

KILLS = 20


def rows() -> list[Row]:
    """Return all rows, measured on a Postgres server of their own that may be killed."""
    with TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory))
        try:
            postgres.create_template()
            return [race(postgres), *kill(postgres)]
        finally:
            postgres.stop()


def race(postgres: Postgres) -> Row:
    """Count how many rooms too many (or too few) a race creates."""
    with postgres.database() as url:
        service = Service(url)
        try:
            responses = run_race(service.url, artifact.load())
        finally:
            service.kill()
        ((rooms,),) = sql_on(url)("SELECT count(*) FROM rooms")
    errors = sum(status >= 500 for _, status, _ in responses)
    label = f"rooms after {RACE_CLIENTS} clients race for {PAIRS} new pairs, beyond {PAIRS}"
    note = f"{errors} responses of 5xx"
    return Row("race", label, abs(rooms - PAIRS) + errors, 0, "rooms", at_least=False, note=note)


def kill(postgres: Postgres) -> list[Row]:
    """Count lost joins, and measure the longest recovery."""
    with postgres.database() as url, TemporaryDirectory() as directory:
        kills = run_kills(Stage(postgres, url, Path(directory), 0), KILLS)
        results = list(track(kills, "killing", total=KILLS, transient=True))
    label = f"acknowledged joins lost over {KILLS} kills under load"
    note = f"of {sum(result.acknowledged for result in results):,} acknowledged"
    lost = Row("lost", label, sum(result.lost for result in results), 0, "joins", False, note)
    slowest = max(result.recovery_s for result in results)
    back = Row("back", "longest recovery of the service after a kill", slowest, 2.0, "s", False)
    return [lost, back]
