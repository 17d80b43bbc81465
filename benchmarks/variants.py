"""The servers of a comparison: the service, the baseline and the published API.

Each variant is two gunicorns of one worker on two ports, with the same settings, and half of the
connections go to each; `running_as_shipped` starts one gunicorn with the default settings instead.
All variants run at the same time; only one is loaded at a time.
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
from typing import Any

from tests.support.databases import sql_on
from tests.support.paths import ROOT
from tests.support.serving import KEY, Gunicorn

GUNICORN = str(Path(sys.executable).parent / "gunicorn")
PORTS = 2


def gunicorn_command(app: str) -> list[str]:
    """Return the command that serves an app with the baseline's settings."""
    return [GUNICORN, "-c", "benchmarks/baseline.conf.py", app]


@dataclass(frozen=True)
class Variant:
    """A server to load, on one or more ports."""

    name: str
    gunicorns: list[Gunicorn]

    def load(self, route: str, connections: int, seconds: float) -> dict[str, float]:
        """Load it: return `responses`, `rate` in responses a second, `p50` and `p99` in seconds."""
        measurements: dict[str, float] = self.run("benchmarks.load", route, connections, seconds)
        return measurements

    def run(
        self, module: str, route: str, connections: int, seconds: float, *options: object
    ) -> Any:
        """Run a module that loads the ports; return the JSON that it prints."""
        arguments = [route, connections, seconds, uuid.uuid4().hex[:8], KEY, *options]
        ports = [gunicorn.port for gunicorn in self.gunicorns]
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, [*arguments, *ports])],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.gunicorns[0].log.read_text()[-2000:]
            raise SystemExit(f"{self.name}: {done.stderr}\n{log}")
        return json.loads(done.stdout)


def baseline_environment(url: str) -> dict[str, str]:
    """Create a city and a room for the baseline, and return its environment variables."""
    sql = sql_on(url)
    # The service removes places without members, except those of the gazetteer.
    ((city,),) = sql(
        "INSERT INTO cities (name, name_key, listed)"
        " VALUES ('Baseline', 'baseline ' || gen_random_uuid(), true) RETURNING id"
    )
    ((room,),) = sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1) RETURNING id", (city,))
    ((model,),) = sql("SELECT id FROM models")
    return {"BASELINE_CITY": str(city), "BASELINE_ROOM": str(room), "BASELINE_MODEL": str(model)}


@contextmanager
def running(url: str, names: list[str], connections: int) -> Iterator[list[Variant]]:
    """Start the named variants, each with a thread for each connection, and stop them at the end.

    Names: "service", "published", "baseline", "baseline again", "baseline+N" with N µs of work.
    """
    shared = {"DATABASE_URL": url, "WEB_CONCURRENCY": "1"}
    shared["WEB_THREADS"] = str(max(4, connections // PORTS))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        has_baseline = any(name.startswith("baseline") for name in names)
        baseline = baseline_environment(url) if has_baseline else {}

        def start(environment: dict[str, str], app: str | None = None) -> Gunicorn:
            command = gunicorn_command(app) if app else None
            gunicorn = Gunicorn(shared | environment, command)
            stack.callback(gunicorn.stop)
            return gunicorn

        def start_by_name(name: str) -> Gunicorn:
            if name == "service":
                return start({"API_KEYS": KEY})
            if name == "published":
                from benchmarks.published import write_estimator

                pickle = directory / "published.joblib"
                write_estimator(pickle)
                return start({"PUBLISHED_MODEL": str(pickle)}, "benchmarks.published:app")
            spin_us = name.partition("+")[2] or "0"
            return start(baseline | {"BASELINE_SPIN_US": spin_us}, "benchmarks.baseline:app")

        yield [Variant(name, [start_by_name(name) for _ in range(PORTS)]) for name in names]


@contextmanager
def running_as_shipped(url: str, apps: dict[str, str]) -> Iterator[list[Variant]]:
    """Start a gunicorn with gunicorn.conf.py and default settings for each name and app."""
    with ExitStack() as stack:
        variants = []
        for name, app in apps.items():
            command = [GUNICORN, "-c", "gunicorn.conf.py", app]
            gunicorn = Gunicorn({"DATABASE_URL": url, "API_KEYS": KEY}, command)
            stack.callback(gunicorn.stop)
            variants.append(Variant(name, [gunicorn]))
        yield variants
