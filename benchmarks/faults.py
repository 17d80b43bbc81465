"""The two rows that are counts: rooms after a race, and joins lost over kills under load."""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import track

from benchmarks.rows import Row
from model import artifact
from tests.faults.conftest import TEMPLATE, release, released
from tests.faults.test_crowds import CLIENTS, PAIRS, all_race
from tests.support.databases import sql_on
from tests.support.kills import kills
from tests.support.postgres import Postgres
from tests.support.service import Service

KILLS = 20


def rows() -> list[Row]:
    """Both rows, on a Postgres of their own that may be killed."""
    with TemporaryDirectory() as place:
        postgres = Postgres(Path(place))
        try:
            postgres.execute(f"CREATE DATABASE {TEMPLATE}")
            release(postgres.url(TEMPLATE))
            return [raced(postgres), *killed(postgres)]
        finally:
            postgres.stop()


def raced(postgres: Postgres) -> Row:
    """How many rooms 64 clients make who race for 200 new pairs."""
    with released(postgres) as url:
        service = Service(url)
        try:
            answers = all_race(service.url, artifact.load())
        finally:
            service.end()
        ((made,),) = sql_on(url)("SELECT count(*) FROM rooms")
    faults = sum(status >= 500 for _, status, _ in answers)
    told = f"rooms after {CLIENTS} clients race for {PAIRS} new pairs, beyond {PAIRS}"
    spread = f"{faults} answers of 5xx"
    return Row("race", told, abs(made - PAIRS) + faults, 0, "rooms", at_least=False, spread=spread)


def killed(postgres: Postgres) -> list[Row]:
    """What was lost, and how long the service was away."""
    with released(postgres) as url:
        done = list(track(kills(postgres, url, KILLS), "killing", total=KILLS, transient=True))
    told = f"acknowledged joins lost over {KILLS} kills under load"
    spread = f"of {done[-1].acknowledged:,} acknowledged"
    lost = Row("lost", told, sum(kill.lost for kill in done), 0, "joins", False, spread)
    worst = max(kill.back for kill in done)
    back = Row("back", "service back after the database, at the latest", worst, 2.0, "s", False)
    return [lost, back]
