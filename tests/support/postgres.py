"""A Postgres server that tests may stop, kill, starve and set read-only."""

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import psycopg2
from psycopg2.extensions import connection as Connection

from local_postgres.binaries import find_binaries
from local_postgres.supervisor import prefix
from tests.support.databases import migrate
from tests.support.serving import TIMEOUT_S, free_port

MAX_CONNECTIONS = 40
TEMPLATE = "released"
# Administrators' sessions can write even while the server is read-only for the service.
ADMIN_OPTIONS = "-c default_transaction_read_only=off"


class Postgres:
    """A server on 127.0.0.1, from the embedded wheel, with its data in `home`.

    fsync and synchronous_commit keep their defaults, so that it is as durable as in production.
    `primary`: a running server, of which this one is a standby. `settings`: "name=value", more of
    the server's settings.
    """

    def __init__(self, home: Path, *settings: str, primary: "Postgres | None" = None) -> None:
        self.home = home
        self.settings = [f"max_connections={MAX_CONNECTIONS}", *settings]
        self.port = free_port()
        self.binaries = find_binaries()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        options = ["-D", str(home / "data"), "--no-sync"]
        if primary:
            options += ["-d", primary.url(), "--checkpoint=fast", "--write-recovery-conf"]
            self._launch("pg_basebackup", *options).wait(TIMEOUT_S)
        else:
            options += ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
            self._launch("initdb", *options, "--no-instructions").wait(TIMEOUT_S)
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_template(self) -> None:
        """Create the template of `database`: a released database without the gazetteer."""
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url(TEMPLATE), with_gazetteer=False)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of a new database, on a server that runs with default settings."""
        name = f"fault_{next(self._numbers)}"
        self.restore()
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield self.url(name)
        self.restore()
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> float:
        """Start the server unless it runs; return the moment of the first accepted connection."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            # After a kill it may refuse to start until the last old backend has ended.
            if self.process is None or self.process.poll() is not None:
                self.process = self._launch(
                    *("postgres", "-D", str(self.home / "data"), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    *itertools.chain.from_iterable(("-c", name) for name in self.settings),
                )
            with contextlib.suppress(psycopg2.OperationalError):
                self.connect().close()
                return time.monotonic()
            time.sleep(0.005)
        raise AssertionError(f"Postgres did not start:\n{self._log().read_text()[-3000:]}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop the server. SIGINT: fast shutdown; SIGQUIT: immediate; SIGKILL: none."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(TIMEOUT_S)

    def processes(self) -> list[int]:
        """Return the pids of the server: the postmaster's first."""
        assert self.process
        children = psutil.Process(self.process.pid).children()
        return [self.process.pid, *(child.pid for child in children)]

    def freeze(self, pids: Iterable[int] | None = None) -> None:
        """Stop processes, all by default. The kernel still acknowledges what they are sent."""
        self._signal(self.processes() if pids is None else pids, signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue all processes of the server."""
        self._signal(self.processes(), signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self, pids: Iterable[int] | None = None) -> Iterator[None]:
        """Freeze processes, all by default, for the time of the block."""
        self.freeze(pids)
        try:
            yield
        finally:
            self.thaw()

    def connect(self, database: str = "postgres") -> Connection:
        """Return an administrator's connection in autocommit mode."""
        connection = psycopg2.connect(self.url(database), options=ADMIN_OPTIONS, connect_timeout=5)
        connection.autocommit = True
        return connection

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def configure(self, name: str, value: str | None) -> None:
        """Change a setting for all current and future sessions; None: reset it."""
        self.execute(
            f"ALTER SYSTEM SET {name} = {value}" if value else f"ALTER SYSTEM RESET {name}"
        )
        self.execute("SELECT pg_reload_conf()")

    def restore(self) -> None:
        """Start the server if needed, and reset all settings."""
        self.start()
        self.execute("ALTER SYSTEM RESET ALL")
        self.execute("SELECT pg_reload_conf()")

    def backends(self) -> set[int]:
        """Return the backend pids of the service's connections."""
        rows = self.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'nomad-rooms'"
        )
        return {int(str(pid)) for (pid,) in rows}

    def count_lock_waits(self) -> int:
        """Return how many of the service's statements wait for a lock."""
        ((count,),) = self.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'nomad-rooms' AND wait_event_type = 'Lock'"
        )
        return int(str(count))

    def has_free_connections(self) -> bool:
        """Return whether half of the connections are free."""
        with contextlib.suppress(psycopg2.OperationalError):
            ((count,),) = self.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            )
            return int(str(count)) < MAX_CONNECTIONS // 2
        return False

    def take_all_connections(self) -> list[Connection]:
        """Terminate the service's connections, and occupy all of the server's."""
        taken = [self.connect()]
        while len(taken) < MAX_CONNECTIONS:
            with taken[0].cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE application_name = 'nomad-rooms'"
                )
            with contextlib.suppress(psycopg2.OperationalError):
                while len(taken) < MAX_CONNECTIONS:
                    taken.append(self.connect())
        return taken

    def _signal(self, pids: Iterable[int], number: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # a backend that just ended
                os.kill(pid, number)

    def _log(self) -> Path:
        return self.home / "log"

    def _launch(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with self._log().open("ab") as log:
            return subprocess.Popen(
                [*prefix(), str(self.binaries / program), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
