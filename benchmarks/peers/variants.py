"""Variants whose load also measures processor time, and pgbench as the floor."""

import re
import shutil
import subprocess
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.load import CITIES
from benchmarks.peers.installing import SOURCES
from benchmarks.variants import Variant
from tests.support.databases import sql_on

WARM_UP_S = 0.3
# pgbench's variables, in place of the parameters of join.sql. Its prepared statements have to know
# the types.
SCRIPT_ARGUMENTS = {
    "$1": ":prefix::text || '-' || :client_id::text || '-' || :n::text",
    "$2": "{city}",
    "$3": "{room}",
    "$4": "'{{coffee,surf}}'",
    "$5": "'{model}'",
}
# As many cities as the load of the servers names.
CREATE_ROOMS = """
    INSERT INTO rooms AS room (city_id, cluster_id)
    SELECT id, 1 FROM cities WHERE country_code = 'ES' AND listed
    ORDER BY population DESC NULLS LAST LIMIT %s
    ON CONFLICT (city_id, cluster_id) DO UPDATE SET cluster_id = room.cluster_id
    RETURNING city_id, id
"""
find_rate = re.compile(r"^tps = ([\d.]+)", re.MULTILINE).search
find_responses = re.compile(r"actually processed: (\d+)").search
find_latency_ms = re.compile(r"latency average = ([\d.]+) ms").search


@dataclass(frozen=True)
class MeteredVariant(Variant):
    """Also measures `service_cpu` and `database_cpu`: seconds for 1,000 responses.

    `database`: the PostgreSQL server's first process. Only one variant is loaded at a time, so all
    that the server does meanwhile is for it.
    """

    database: psutil.Process

    def load(self, route: str, connections: int, seconds: float) -> dict[str, float]:
        """Load it: return what `Variant.load` returns, and the processor times."""
        self.warm_up(route, connections)
        before = self.cpu_s()
        measured = self.send(route, connections, seconds)
        service, database = (
            (after - earlier) * 1000 / measured["responses"]
            for after, earlier in zip(self.cpu_s(), before, strict=True)
        )
        return measured | {"service_cpu": service, "database_cpu": database}

    def warm_up(self, route: str, connections: int) -> None:
        """Let the service open what it closes when idle, while other variants are loaded."""
        super().load(route, connections, WARM_UP_S)

    def cpu_s(self) -> tuple[float, float]:
        """Return the processor seconds of the service and of the database until now."""
        services = [psutil.Process(gunicorn.process.pid) for gunicorn in self.gunicorns]
        return sum(map(tree_cpu_s, services)), tree_cpu_s(self.database)

    def send(self, route: str, connections: int, seconds: float) -> dict[str, float]:
        return super().load(route, connections, seconds)


@dataclass(frozen=True)
class PgBench(MeteredVariant):
    """The statement alone: what the database could do without a service in front of it."""

    program: str
    scripts: list[Path]
    url: str

    def warm_up(self, route: str, connections: int) -> None:
        """Do nothing: pgbench connects before it measures."""

    def send(self, route: str, connections: int, seconds: float) -> dict[str, float]:
        """Run the scripts at random for whole seconds; of latencies pgbench knows the mean only."""
        command = [self.program, "--no-vacuum", "--protocol=prepared", "--jobs=2"]
        command += ["--define=n=0", f"--define=prefix={uuid.uuid4().hex[:8]}"]
        command += [f"--client={connections}", f"--time={max(1, round(seconds))}"]
        command += [f"--file={script}" for script in self.scripts]
        done = subprocess.run([*command, self.url], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"pgbench: {done.stderr}")
        rate, responses, latency_ms = (
            float(find(done.stdout)[1])  # type: ignore[index]
            for find in (find_rate, find_responses, find_latency_ms)
        )
        latency_s = latency_ms / 1000
        return {"responses": responses, "rate": rate, "p50": latency_s, "p99": float("nan")}


def pgbench(program: str, url: str, directory: Path, database: psutil.Process) -> PgBench:
    """Return the variant; creates its rooms in the database."""
    sql = sql_on(url)
    ((model,),) = sql("SELECT id FROM models")
    statement = re.sub(r"--.*\n", "", (SOURCES / "join.sql").read_text()).strip()
    for parameter, argument in SCRIPT_ARGUMENTS.items():
        statement = statement.replace(parameter, argument)
    scripts = []
    for city, room in sql(CREATE_ROOMS, (len(CITIES),)):
        scripts.append(directory / f"join-{room}.pgbench")
        join = statement.format(city=city, room=room, model=model)
        scripts[-1].write_text(f"\\set n :n + 1\n{join};\n")
    return PgBench("pgbench", [], database, program, scripts, url)


def find_pgbench() -> str | None:
    """Return the program's path: on the PATH, or where Debian keeps it."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return shutil.which("pgbench") or (str(installed[-1]) if installed else None)


def tree_cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds of a process and all its descendants, also of those that ended.

    A parent's times include those of the children that it waited for.
    """
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
