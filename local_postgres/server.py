"""Start an instance's server or join the living one."""

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
from local_postgres.locks import PAUSE, held, is_current, is_held, take
from local_postgres.places import Places, refuse_unusable

DEADLINE = 120.0  # seconds; recovery after a crash under heavy writing may take a while
STARTS = 2  # a supervisor may be killed while it starts; one that fails twice will fail again
LOG_LINES = 15

# The shared locks that say this process uses a server, by instance: open as long as it lives.
# A forked child has them too, so a gunicorn worker keeps the server its arbiter joined.
_users: dict[Path, int] = {}
_joining = threading.Lock()


def join_server(instance: Path, database: str) -> str:
    """Do what `local_postgres.join` promises, on Linux and macOS. Raises PostgresUnavailable."""
    places = Places.of(instance)
    binaries = find_binaries()
    refuse_unusable(binaries)
    deadline = time.monotonic() + DEADLINE
    try:
        places.make_home()
        # One at a time: two would both find no server and both start one.
        with _joining, held(places.start_lock, deadline):
            reach_server(places, binaries, database, deadline)
    except OSError as error:
        raise PostgresUnavailable(
            f"The embedded Postgres cannot use {places.pg}: {error}"
        ) from error
    except psycopg2.Error as error:
        raise PostgresUnavailable(
            f"The embedded Postgres has no database {database}: {error}"
        ) from error
    # The port is stated because libpq would take it from PGPORT, and the socket's name with it.
    return f"postgresql://postgres@/{quote(database, safe='')}?host={places.sockets}&port=5432"


def reach_server(places: Places, binaries: Path, database: str, deadline: float) -> None:
    """Become a user of the server and see that it answers. Called under start.lock."""
    descriptor = _users.get(places.pg)
    if descriptor is not None and is_current(descriptor, places.users_lock):
        await_server(places, binaries, database, deadline)
        return
    # Before looking for a server: one found living could stop before we are counted.
    descriptor = take(places.users_lock, fcntl.LOCK_SH, deadline)
    try:
        await_server(places, binaries, database, deadline)
    except BaseException:
        os.close(descriptor)  # or a caller that goes on without us would keep a server alive
        raise
    _users[places.pg] = descriptor


def await_server(places: Places, binaries: Path, database: str, deadline: float) -> None:
    """Start the server if there is none; return when the database is there."""
    starts, reason = 0, "no answer"
    while time.monotonic() < deadline:
        places.check_sockets()
        if is_held(places.supervisor_lock):
            try:
                create_database(places, database)
                return
            except psycopg2.OperationalError as error:
                reason = str(error).strip()
        elif is_held(places.server_lock):
            reason = "a server without a supervisor does not stop"
            dismiss_orphan(places)
        elif starts < STARTS:
            starts += 1
            start_supervisor(places, binaries, deadline)
            continue
        else:
            reason = "it ended while starting"
            break
        time.sleep(PAUSE)
    raise PostgresUnavailable(
        f"The embedded Postgres did not come up ({reason}). {places.log} ends with:\n"
        + end_of_log(places.log)
    )


def connect(places: Places) -> Connection:
    connection = psycopg2.connect(
        host=str(places.sockets), port=5432, user="postgres", dbname="postgres", connect_timeout=5
    )
    connection.autocommit = True  # CREATE DATABASE cannot run in a transaction
    return connection


def create_database(places: Places, database: str) -> None:
    """Create the database unless it is there. Raises psycopg2.OperationalError if no answer."""
    with contextlib.closing(connect(places)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        if cursor.fetchone() is None:
            # Somebody may create it by hand at this moment: what we want is that it exists.
            with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def dismiss_orphan(places: Places) -> None:
    """Ask a server whose supervisor was killed to stop: nobody else ever would.

    On Linux it goes by itself, unless the supervisor died in the instant between forking it
    and its asking to be told; on macOS it cannot ask. The signal comes from a child of one of
    its own processes to that process's parent, so it can reach nothing but the server that
    answers in our private directory, which no pid read from a file would guarantee.
    """
    parent = "ps -o ppid= -p $PPID || cut -d' ' -f4 /proc/$PPID/stat"
    command = sql.SQL("COPY (SELECT) TO PROGRAM {}").format(sql.Literal(f"kill -INT $({parent})"))
    with (
        contextlib.suppress(psycopg2.Error),  # stopping already, or because of this
        contextlib.closing(connect(places)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(command)


def start_supervisor(places: Places, binaries: Path, deadline: float) -> None:
    """Run the supervisor; return when it has taken the server's lock, or failed to."""
    # libpq's and postgres's own variables would change where the server listens or keeps its
    # data. LC_ALL: macOS loads threads for any other locale, and postgres then refuses to run.
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PG")}
    environment["LC_ALL"] = "C"
    log = os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # -I: PYTHONPATH and the script's own directory do not decide what it imports. -S: it
        # needs no site-packages, and starts in half the time.
        subprocess.run(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))]
            + [str(binaries), str(places.pg), str(places.sockets)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,  # the caller's own would keep `make run | tee` from ending
            cwd="/",
            env=environment,
            start_new_session=True,  # or Ctrl-C would stop the server before its users
            timeout=max(deadline - time.monotonic(), 1),
            check=False,  # the locks tell
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
    return "\n".join(lines[-LOG_LINES:]) or "(the log is empty)"
