"""Citus clusters: starts one on this machine, and creates databases on it.

`python -m tests.support.citus --workers 3` prints TEST_CITUS_URL, with which the tests run on the
cluster (`--set fsync=off` makes them faster), and stops its servers on Ctrl-C. It needs a
PostgreSQL with the extension; `pg_config` on the PATH says where it is.
"""

import argparse
import contextlib
import itertools
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg2
from psycopg2 import errors

from local_postgres.supervisor import prefix
from tests.support.serving import TIMEOUT_S, free_port

HOST = "127.0.0.1"
OWNER = "nomad_owner"
SETTINGS = (
    "shared_preload_libraries=citus",
    "wal_level=logical",
    "max_connections=300",
    # Each database has a maintenance daemon, and each move of a shard several workers.
    "max_worker_processes=80",
    "citus.shard_count=4",
    "citus.node_conninfo=sslmode=disable",
)
END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"


class Node:
    """One server of a cluster, with its data in `home`; `url` is its superuser's."""

    def __init__(self, home: Path, settings: tuple[str, ...]) -> None:
        self.home = home
        self.settings = settings
        self.port = free_port()
        self.url = f"postgresql://postgres@{HOST}:{self.port}/postgres"
        home.mkdir(mode=0o777, parents=True, exist_ok=True)
        home.chmod(0o777)
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self._launch("initdb", "-D", str(home / "data"), "--no-sync", *options).wait(TIMEOUT_S)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        settings = itertools.chain.from_iterable(("-c", setting) for setting in self.settings)
        options = ("-D", str(self.home / "data"), "-p", str(self.port), "-h", HOST, "-k", "")
        self.process = self._launch("postgres", *options, *settings)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(self.url).close()
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"the server did not start: see {self.home / 'log'}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(TIMEOUT_S)

    def kill(self) -> None:
        """Kill all processes of the server, as a loss of power does."""
        self._signal_all(signal.SIGKILL)
        self.process.wait(TIMEOUT_S)

    def freeze(self) -> None:
        """Stop all processes of the server. The kernel still acknowledges what they are sent."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue all processes of the server."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        server = psutil.Process(self.process.pid)
        server.suspend()  # so that it starts no more, and does not react to the end of others
        for process in (*server.children(recursive=True), server):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _launch(self, program: str, *options: str) -> "subprocess.Popen[bytes]":
        binaries = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True)
        command = [*prefix(), str(Path(binaries.stdout.strip()) / program), *options]
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )


class Cluster:
    """Servers with Citus: the coordinator, and its workers; without any it is its own worker."""

    def __init__(self, home: Path, workers: int = 0, settings: tuple[str, ...] = ()) -> None:
        self.home = home
        self.settings = (*SETTINGS, *settings)
        self.nodes = [Node(home / f"node{n}", self.settings) for n in range(workers + 1)]

    @property
    def urls(self) -> list[str]:
        """The superuser's URL of each node, the coordinator's first."""
        return [node.url for node in self.nodes]

    def start_node(self) -> Node:
        """Start one more server; it is no node of any database yet."""
        node = Node(self.home / f"node{len(self.nodes)}", self.settings)
        self.nodes.append(node)
        return node

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, each committed by itself, and return the rows of the last."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def with_database(url: str, database: str, user: str | None = None) -> str:
    """Return the URL of another database, and of another user, on the same server."""
    parts = urlsplit(url)
    place = f"{user}@{parts.hostname}:{parts.port}" if user else parts.netloc
    return urlunsplit(parts._replace(netloc=place, path=f"/{database}"))


def name_of(url: str) -> str:
    """Return the name of a URL's database."""
    return urlsplit(url).path[1:]


def create_owner(urls: list[str]) -> None:
    """Create the role that owns the databases, no superuser, on each node.

    `urls`, here and below: the superuser's, the coordinator's first.
    """
    for url in urls:
        with contextlib.suppress(errors.DuplicateObject):
            execute(url, f"CREATE ROLE {OWNER} LOGIN CREATEROLE")


def prepare_nodes(urls: list[str], name: str) -> None:
    """Create what a database needs on nodes before they are nodes of it."""
    create_owner(urls)
    for url in urls:
        execute(url, f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0")
        execute(with_database(url, name), "CREATE EXTENSION citus")


def create_database(urls: list[str], name: str) -> str:
    """Create an empty database that spans all nodes of a cluster; return its owner's URL."""
    prepare_nodes(urls, name)
    first = with_database(urls[0], name)
    coordinator, *workers = (urlsplit(url) for url in urls)
    place = f"'{coordinator.hostname}', {coordinator.port}"
    execute(first, f"SELECT citus_set_coordinator_host({place})")
    for worker in workers:
        execute(first, f"SELECT citus_add_node('{worker.hostname}', {worker.port})")
    if not workers:
        execute(first, f"SELECT citus_set_node_property({place}, 'shouldhaveshards', true)")
    return with_database(first, name, OWNER)


def copy_database(urls: list[str], template: str, name: str) -> None:
    """Copy a database of a cluster, with its shards: each node's part on that node."""
    for url in urls:
        copy = f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY file_copy"
        execute_alone(url, template, copy)


def rename_database(urls: list[str], name: str, new_name: str) -> None:
    for url in urls:
        execute_alone(url, name, f"ALTER DATABASE {name} RENAME TO {new_name}")


def drop_database(urls: list[str], name: str) -> None:
    for url in urls:
        execute_alone(url, name, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def execute_alone(url: str, database: str, statement: str) -> None:
    """Run a statement for which a database must have no sessions, such as Citus' daemon's."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        execute(url, f"{END_SESSIONS} WHERE datname = '{database}'")
        try:
            execute(url, statement)
            return
        except errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise


@contextlib.contextmanager
def cluster(workers: int, home: Path, *settings: str) -> Iterator[Cluster]:
    """Yield a running cluster; stop it at the end."""
    running = Cluster(home, workers, settings)
    try:
        yield running
    finally:
        running.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=0, help="0: one node, its own worker")
    parser.add_argument("--home", type=Path, help="a directory that does not exist yet")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="nomad-citus-"))
    home.mkdir(exist_ok=True)
    home.chmod(0o777)
    with cluster(options.workers, home, *options.set) as running:
        print(f"TEST_CITUS_URL={','.join(running.urls)}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            running.nodes[0].process.wait()


if __name__ == "__main__":
    main()
