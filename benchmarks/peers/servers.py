"""Starts the service and its peers, as they ship on one port or pinned on two."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from app.config import Settings, psycopg2_url
from benchmarks.peers.installing import NotInstalled, install_node, install_python
from model import artifact
from model.nnls import ActiveSets
from tests.support.serving import KEY, Gunicorn

OURS = "ours"


class Layout(NamedTuple):
    """Server processes of one server: `ports`, each with as many `workers`."""

    name: str
    ports: int
    workers: int


# Connections of one port are dealt unevenly among its workers, so the two differ.
SHIPPED = Layout("shipped", ports=1, workers=2)
PINNED = Layout("pinned", ports=2, workers=1)


def fastapi_command() -> str:
    return f"exec {install_python()}/uvicorn benchmarks.peers.fastapi_rooms:app --port $PORT"


def flask_command() -> str:
    options = "-c benchmarks/baseline.conf.py --access-logfile -"
    return f"exec {install_python()}/gunicorn {options} benchmarks.peers.flask_rooms:app"


def fastify_command() -> str:
    return f"exec node {install_node()}/fastify_rooms.mjs"


# Each returns a shell command, and raises NotInstalled.
COMMANDS: dict[str, Callable[[], str]] = {
    "fastapi": fastapi_command,
    "flask": flask_command,
    "fastify": fastify_command,
}
LABELS = {
    OURS: "Nomad Rooms",
    "fastapi": "FastAPI + asyncpg",
    "flask": "Flask + ORM session",
    "fastify": "Fastify + pg",
    "pgbench": "pgbench, the statement alone",
}


def start(name: str, layout: Layout, url: str, directory: Path) -> Gunicorn:
    """Start one process group of a server; `directory` is for files that it reads.

    Raises NotInstalled.
    """
    environment = {"API_KEYS": KEY, "WEB_CONCURRENCY": str(layout.workers)}
    if name == OURS:
        return Gunicorn(environment | {"DATABASE_URL": url})
    command = ["sh", "-c", COMMANDS[name]()]
    ours = Settings(requested_workers=layout.workers)
    environment |= {
        "DATABASE_URL": psycopg2_url(url) if name == "flask" else url,
        "POOL_SIZE": str(ours.pool_size),
        "WEB_THREADS": str(ours.threads),
        "PRELOAD": "0",
        "NODE_ENV": "production",
        "MODEL": str(write_tables(directory)),
    }
    return Gunicorn(environment, command)


def start_layout(
    name: str, layout: Layout, url: str, directory: Path, stack: ExitStack
) -> list[Gunicorn]:
    """Start a server on all ports of a layout; the stack stops it. Raises NotInstalled."""
    started = []
    for _ in range(layout.ports):
        started.append(start(name, layout, url, directory))
        stack.callback(started[-1].stop)
    return started


def write_tables(directory: Path) -> Path:
    """Write what prediction.mjs reads, and return the file."""
    model, path = artifact.load(), directory / "model.json"
    sets = ActiveSets(model.components)
    tables = {
        "id": model.id,
        "interests": model.interests,
        "clusterIds": model.cluster_ids,
        "units": sets.units.tolist(),
        "scales": sets.scales.tolist(),
        "supports": sets.supports.tolist(),
        "tables": sets.tables.tolist(),
    }
    path.write_text(json.dumps(tables))
    return path


def missing_reason(name: str) -> str | None:
    """Return why a peer cannot run here, or None; installs its packages."""
    try:
        COMMANDS[name]()
    except NotInstalled as error:
        return str(error)
    return None
