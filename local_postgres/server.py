"""Starts an instance's server, or joins the running one."""

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from local_postgres.binaries import find_binaries
from local_postgres.errors import PostgresUnavailable
from local_postgres.locks import POLL_INTERVAL_S, acquire, exclusive_lock, is_current, is_held
from local_postgres.paths import InstancePaths, check_path

# Recovery after a crash during heavy writes may take a while.
START_TIMEOUT_S = 120.0
# A supervisor may be killed while it starts; after two failures a third would fail too.
MAX_STARTS = 2
MAX_LOG_LINES = 15

# Descriptors of the shared locks that register this process as a user, by instance; open until it
# ends. Forked children inherit them, so a gunicorn worker keeps the server that its arbiter joined.
_user_locks: dict[Path, int] = {}
_join_lock = threading.Lock()


def join_server(instance: Path, database: str) -> str:
    """Implement `local_postgres.join` for Linux and macOS. Raises PostgresUnavailable."""
    paths = InstancePaths.of(instance)
    binaries = find_binaries()
    check_path(binaries)
    deadline = time.monotonic() + START_TIMEOUT_S
    try:
        paths.create_home()
        # One caller at a time: two would both see no server, and both start one.
        with _join_lock, exclusive_lock(paths.start_lock, deadline):
            register_and_connect(paths, binaries, database, deadline)
    except OSError as error:
        raise PostgresUnavailable(
            f"The embedded Postgres cannot use {paths.pg}: {error}"
        ) from error
    except psycopg2.Error as error:
        raise PostgresUnavailable(
            f"The embedded Postgres has no database {database}: {error}"
        ) from error
    # Without a port in the URL, libpq would use PGPORT, which also changes the socket's name.
    return f"postgresql://postgres@/{quote(database, safe='')}?host={paths.sockets}&port=5432"


def register_and_connect(
    paths: InstancePaths, binaries: Path, database: str, deadline: float
) -> None:
    """Register as a user of the server and wait until it answers. Requires start.lock."""
    descriptor = _user_locks.get(paths.pg)
    if descriptor is not None and is_current(descriptor, paths.users_lock):
        ensure_database(paths, binaries, database, deadline)
        return
    # Registered before looking for a server: a running one could stop in between.
    descriptor = acquire(paths.users_lock, fcntl.LOCK_SH, deadline)
    try:
        ensure_database(paths, binaries, database, deadline)
    except BaseException:
        # A caller that handles the error must not keep a server running that it cannot use.
        os.close(descriptor)
        raise
    _user_locks[paths.pg] = descriptor


def ensure_database(paths: InstancePaths, binaries: Path, database: str, deadline: float) -> None:
    """Start the server if none runs; return when the database exists."""
    starts, reason = 0, "no answer"
    while time.monotonic() < deadline:
        paths.check_sockets()
        if is_held(paths.supervisor_lock):
            try:
                create_database(paths, database)
                return
            except psycopg2.OperationalError as error:
                reason = str(error).strip()
        elif is_held(paths.server_lock):
            reason = "a server without a supervisor does not stop"
            stop_orphan(paths)
        elif starts < MAX_STARTS:
            starts += 1
            start_supervisor(paths, binaries, deadline)
            continue
        else:
            reason = "it ended while starting"
            break
        time.sleep(POLL_INTERVAL_S)
    raise PostgresUnavailable(
        f"The embedded Postgres did not start ({reason}). {paths.log} ends with:\n"
        + end_of_log(paths.log)
    )


def connect(paths: InstancePaths) -> Connection:
    connection = psycopg2.connect(
        host=str(paths.sockets), port=5432, user="postgres", dbname="postgres", connect_timeout=5
    )
    connection.autocommit = True  # CREATE DATABASE cannot run in a transaction
    return connection


def create_database(paths: InstancePaths, database: str) -> None:
    """Create the database unless it exists. Raises psycopg2.OperationalError if no answer."""
    with contextlib.closing(connect(paths)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        if cursor.fetchone() is None:
            # A client that does not use this package may create the database concurrently.
            with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def stop_orphan(paths: InstancePaths) -> None:
    """Stop a server whose supervisor was killed, since no other process does.

    On Linux the parent-death signal stops it, unless the supervisor died between the fork and the
    prctl call; macOS has no such signal. The signal is sent by a child of one of the server's own
    processes to that process's parent, so it can only reach the server that answers in the private
    socket directory; a pid read from a file could belong to another process.
    """
    parent = "ps -o ppid= -p $PPID || cut -d' ' -f4 /proc/$PPID/stat"
    command = sql.SQL("COPY (SELECT) TO PROGRAM {}").format(sql.Literal(f"kill -INT $({parent})"))
    with (
        contextlib.suppress(psycopg2.Error),  # the server is already stopping, or now because of it
        contextlib.closing(connect(paths)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(command)


def start_supervisor(paths: InstancePaths, binaries: Path, deadline: float) -> None:
    """Run the supervisor; return when it holds the server's lock, or failed to get it."""
    # Variables of libpq and postgres would change where the server listens or keeps its data.
    # LC_ALL: any other locale starts threads on macOS, and postgres then refuses to run.
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PG")}
    environment["LC_ALL"] = "C"
    log = os.open(paths.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # -I: PYTHONPATH and the script's directory do not affect its imports. -S: it needs no
        # site-packages, and starts in half the time without.
        subprocess.run(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))]
            + [str(binaries), str(paths.pg), str(paths.sockets)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,  # the caller's own would keep `make run | tee` from ending
            cwd="/",
            env=environment,
            start_new_session=True,  # or Ctrl-C would stop the server before its users
            timeout=max(deadline - time.monotonic(), 1),
            check=False,  # the locks show whether it started
        )
    except subprocess.TimeoutExpired:
        pass
    finally:
        os.close(log)


def end_of_log(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(there is no log)"
    return "\n".join(lines[-MAX_LOG_LINES:]) or "(the log is empty)"
