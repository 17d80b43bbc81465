"""Trials in which the clocks of the service and of the database differ by an hour."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.http import session
from tests.support.manage import run_process
from tests.support.trials.stage import Stage
from tests.support.user_files import write_csv

HOUR = timedelta(hours=1)
# A clock of a test machine under load may be read late.
TOLERANCE = timedelta(minutes=1)
MOVERS = [f"mover-{number}" for number in range(20)]
FIRST, SECOND, THIRD = "Clock Town", "Clock City", "Clock Village"


def clock_ahead(stage: Stage) -> None:
    """Run the service with a clock that is an hour ahead of the database's."""
    run_with_clock(stage, "clock an hour ahead", HOUR)


def clock_behind(stage: Stage) -> None:
    """Run the service with a clock that is an hour behind the database's."""
    run_with_clock(stage, "clock an hour behind", -HOUR)


def run_with_clock(stage: Stage, name: str, offset: timedelta) -> None:
    """Join, move by an import, read the moves, and join elsewhere, with a service's wrong clock."""
    environment = {
        "LD_PRELOAD": str(compile_clock(stage.directory)),
        "CLOCK_OFFSET_S": str(int(offset.total_seconds())),
    }
    with (
        stage.service(**environment) as service,
        stage.under_load(name, service.url),
        session() as http,
    ):
        date = parsedate_to_datetime(http.get(f"{service.url}/livez").headers["Date"])
        assert abs(date - datetime.now(UTC) - offset) < TOLERANCE
        first = [join(http, service.url, user, FIRST) for user in MOVERS]
        import_users(stage, SECOND)
        moved = [http.get(f"{service.url}/users/{user}").json() for user in MOVERS]
        changes = http.get(f"{service.url}/changes?after=0&limit=1000").json()["items"]
        assert sorted((c["user_id"], c["from_room"], c["to_room"]) for c in changes) == sorted(
            (user, before["room_id"], after["room_id"])
            for user, before, after in zip(MOVERS, first, moved, strict=True)
        )
        for user, before in zip(MOVERS, moved, strict=True):
            answer = join(http, service.url, user, THIRD)
            assert (answer["joined"], answer["previous_room_id"]) == (True, before["room_id"])


def compile_clock(directory: Path) -> Path:
    """Return a library that moves the clock; skip the trial where there is no compiler."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler (cc) to build a clock with")
    library = directory / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


def join(http: requests.Session, url: str, user: str, city: str) -> Any:
    body = {"_id": user, "city": city, "interests": ["movies"]}
    return http.post(f"{url}/rooms", json=body).json()


def import_users(stage: Stage, city: str) -> None:
    rows = [{"_id": user, "city": city, "movies": "1"} for user in MOVERS]
    path = write_csv(stage.directory / "users.csv", rows)
    done = run_process("users", "import", str(path), "--yes", DATABASE_URL=stage.database)
    assert done.returncode == 0, done.stderr
