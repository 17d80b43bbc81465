"""Trials in which the database fails."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from tests.support.pooler import Pooler
from tests.support.postgres import Postgres
from tests.support.serving import wait_until
from tests.support.trials.stage import Stage
from tests.support.trials.switch import Switch

# More than the service has threads, so that all of them wait.
MANY_CLIENTS = 48
# What remains for two workers that may open five each.
FEW_CONNECTIONS = 6
MAX_REFUSED_SHARE = 0.01
DISK_BYTES = 250_000_000
BALLAST = bytes(1_000_000)
# More files than a server keeps ready.
MAX_LOG_FILES = 20
COUNT_SYNCHRONOUS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


@contextmanager
def synchronous_standby(stage: Stage) -> Iterator[Postgres]:
    """Yield a standby without which the primary acknowledges no commit."""
    standby = Postgres(stage.directory, primary=stage.postgres)
    try:
        stage.postgres.configure("synchronous_standby_names", "'*'")
        wait_until(lambda: stage.postgres.execute(COUNT_SYNCHRONOUS) == [(1,)])
        yield standby
    finally:
        standby.stop()


def fail_over(stage: Stage, name: str, fail: Callable[[Postgres], None]) -> None:
    """Fail the primary, promote its standby, and switch the service's address to that."""
    with synchronous_standby(stage) as standby, Switch(stage.postgres.port) as switch:
        address = urlsplit(stage.database)._replace(netloc=f"postgres@127.0.0.1:{switch.port}")
        url = urlunsplit(address)
        with (
            stage.service(url) as service,
            stage.under_load(name, service.url, url, clients=MANY_CLIENTS),
        ):
            fail(stage.postgres)
            standby.execute("SELECT pg_promote()")
            switch.target_port = standby.port


def primary_killed(stage: Stage) -> None:
    """Kill the primary."""
    fail_over(stage, "primary killed, standby promoted", lambda it: it.stop(signal.SIGKILL))


def primary_frozen(stage: Stage) -> None:
    """Stop all processes of the primary, whose connections stay open."""
    try:
        fail_over(stage, "primary frozen, standby promoted", Postgres.freeze)
    finally:
        stage.postgres.thaw()


def database_frozen(stage: Stage) -> None:
    """Stop all processes of the server for a while."""
    with (
        stage.service() as service,
        stage.under_load("database frozen", service.url, clients=MANY_CLIENTS),
        stage.postgres.frozen(),
    ):
        time.sleep(stage.seconds)


def too_few_connections(stage: Stage) -> None:
    """Leave fewer connections than the service's pools may open."""
    taken = stage.postgres.take_all_connections()
    close(taken[:FEW_CONNECTIONS])
    with (
        stage.service() as service,
        stage.under_load("6 connections for pools of 10", service.url, clients=MANY_CLIENTS),
    ):
        time.sleep(stage.seconds)
        # Counting the joins needs a connection too.
        close(taken)
    # A join waits for one of the connections that the service has. On a machine under load some
    # attempt to open one may take so long that the server counts as frozen.
    result = stage.results[-1]
    assert result.refused <= MAX_REFUSED_SHARE * result.acknowledged, result


def no_connections(stage: Stage) -> None:
    """Take all connections from the service."""
    with (
        stage.service() as service,
        stage.under_load("no connection left", service.url, clients=MANY_CLIENTS),
    ):
        with frozen(service.workers()):  # otherwise they take the connections that they lost
            taken = stage.postgres.take_all_connections()
        time.sleep(stage.seconds)
        close(taken)


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Stop processes for the time of the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def close(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def disk_full(stage: Stage) -> None:
    """Fill the disk of the server, so that tables cannot grow."""
    fill_disk(stage, "disk full", lambda postgres: None)


def wal_full(stage: Stage) -> None:
    """Fill the disk, and use up the files of the write-ahead log: the server panics."""
    fill_disk(stage, "disk full, also for the log", use_up_log)


def fill_disk(stage: Stage, name: str, then: Callable[[Postgres], None]) -> None:
    """Fill the disk under load, and free it after a while; if the server ended, start it again."""
    with small_disk(stage.directory / "disk") as disk:
        postgres = Postgres(disk, "min_wal_size=32MB", "max_wal_size=48MB")
        try:
            postgres.create_template()
            with (
                postgres.database() as url,
                stage.service(url) as service,
                stage.under_load(name, service.url, url) as load,
            ):
                ballast = disk / "ballast"
                with suppress(OSError), ballast.open("wb", buffering=0) as file:
                    while file.write(BALLAST):
                        pass
                then(postgres)
                time.sleep(stage.seconds)
                ballast.unlink()
                load.fault_ended_at = postgres.start()
        finally:
            postgres.stop()


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Mount a disk of 250 MB; skip the trial where that is not permitted."""
    directory.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory))
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def use_up_log(postgres: Postgres) -> None:
    """Begin new files of the write-ahead log until none can be created."""
    with suppress(psycopg2.Error):
        for _ in range(MAX_LOG_FILES):
            postgres.execute("SELECT pg_logical_emit_message(true, '', ''), pg_switch_wal()")


def pooler_restarted(stage: Stage) -> None:
    """Kill PgBouncer and start it again after a while."""
    with pooled_service(stage, "pooler restarted") as pooler:
        pooler.process.kill()
        pooler.process.wait()
        time.sleep(stage.seconds)
        pooler.start()


def pooler_frozen(stage: Stage) -> None:
    """Stop PgBouncer for a while."""
    with pooled_service(stage, "pooler frozen") as pooler, frozen([pooler.process.pid]):
        time.sleep(stage.seconds)


@contextmanager
def pooled_service(stage: Stage, name: str) -> Iterator[Pooler]:
    """Yield the pooler of a service under load; skip the trial where there is none."""
    binary = os.environ.get("TEST_POOLER") or shutil.which("pgbouncer")
    if not binary:
        pytest.skip("PgBouncer is not installed")
    pooler = Pooler(binary, stage.postgres.url())
    url = pooler.pooled(stage.database)
    try:
        with (
            stage.service(url, DIRECT_DATABASE_URL=stage.database) as service,
            stage.under_load(name, service.url, clients=MANY_CLIENTS),
        ):
            yield pooler
    finally:
        pooler.stop()
