"""The sides of a comparison: ours, the floors, the published way.

Each is two gunicorns of one worker on two ports, with the load pinned half and half, and the same
gunicorn settings. All run side by side; only one is asked at a time.
"""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.databases import sql_on
from tests.support.paths import ROOT
from tests.support.serving import KEY, Gunicorn

GUNICORN = str(Path(sys.executable).parent / "gunicorn")
PORTS = 2


def command(app: str) -> list[str]:
    return [GUNICORN, "-c", "benchmarks/floor.conf.py", app]


@dataclass(frozen=True)
class Side:
    """One way of answering."""

    name: str
    gunicorns: list[Gunicorn]

    def ask(self, route: str, connections: int, seconds: float) -> dict[str, float]:
        """Load it: answers a second and latencies in seconds."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.load", route, str(connections), str(seconds)),
                *(uuid.uuid4().hex[:8], KEY),
                *(str(gunicorn.port) for gunicorn in self.gunicorns),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.gunicorns[0].log.read_text()[-2000:]
            raise SystemExit(f"{self.name}: {done.stderr}\n{log}")
        measured: dict[str, float] = json.loads(done.stdout)
        return measured


def floor_environment(url: str) -> dict[str, str]:
    """The floor's own city and room, in our tables; new ones each time."""
    sql = sql_on(url)
    ((city,),) = sql(
        "INSERT INTO cities (name, name_key) VALUES ('Floor', 'floor ' || gen_random_uuid())"
        " RETURNING id"
    )
    ((room,),) = sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1) RETURNING id", (city,))
    ((model,),) = sql("SELECT id FROM models")
    return {"FLOOR_CITY": str(city), "FLOOR_ROOM": str(room), "FLOOR_MODEL": str(model)}


@contextmanager
def serving(url: str, names: list[str], connections: int, **ours: str) -> Iterator[list[Side]]:
    """The named sides, each with a thread for each connection; `ours`: more of our environment."""
    shared = {"DATABASE_URL": url, "WEB_CONCURRENCY": "1"}
    shared["WEB_THREADS"] = str(max(4, connections // PORTS))
    with ExitStack() as end:
        place = Path(end.enter_context(TemporaryDirectory()))
        floor = floor_environment(url) if any(name.startswith("floor") for name in names) else {}

        def start(environment: dict[str, str], what: list[str] | None = None) -> Gunicorn:
            gunicorn = Gunicorn(shared | environment, what)
            end.callback(gunicorn.stop)
            return gunicorn

        def started(name: str) -> Gunicorn:
            if name == "ours":
                return start({"API_KEYS": KEY} | ours)
            if name == "published":
                from benchmarks.published import write_estimator

                pickled = place / "published.joblib"
                write_estimator(pickled)
                return start({"PUBLISHED_MODEL": str(pickled)}, command("benchmarks.published:app"))
            spin = name.partition("+")[2]
            return start(floor | {"FLOOR_SPIN_US": spin or "0"}, command("benchmarks.floor:app"))

        yield [Side(name, [started(name) for _ in range(PORTS)]) for name in names]
