"""Runs one Postgres while it has users, then stops it.

Started by its path, `python -I -S supervisor.py BINARIES PG SOCKETS`. It uses the standard library
alone, so it is independent of the application. It returns as soon as it holds the server's lock
and continues in the background; exit status 1: another supervisor holds the lock. Its messages go
to standard error, which is the server's log.
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

NOBODY_UID = "65534"
POLL_INTERVAL_S = 0.2
MAX_LOG_BYTES = 4_000_000
# Signals in order, each with its timeout in seconds: fast shutdown, immediate shutdown, kill.
STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
# A first postgres that fails within this time refused to start; retrying would not help.
MIN_UPTIME_S = 10


def prefix() -> list[str]:
    """Return the command prefix for postgres: as nobody if this is root, tied to this process."""
    if sys.platform != "linux":
        return []
    # Without pdeathsig, a supervisor killed with -9 would leave its server running.
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        # postgres refuses uid 0. Only the capability dac_override is kept: without it the user
        # nobody cannot enter /root, or any 0700 directory above the data or the wheel, nor create
        # a socket in a directory of root.
        command += [f"--reuid={NOBODY_UID}", f"--regid={NOBODY_UID}", "--clear-groups"]
        command += ["--securebits=+no_setuid_fixup", "--inh-caps=-all,+dac_override"]
        command += ["--ambient-caps=+dac_override", "--bounding-set=-all,+dac_override"]
    return [*command, "--"]


def try_lock(descriptor: int) -> bool:
    """Acquire the lock exclusively if it is free, or already held by this process."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def log(message: str) -> None:
    print(f"{time.strftime('%F %T')} supervisor[{os.getpid()}]: {message}", file=sys.stderr)


def bound_log() -> None:
    """Empty the log when it exceeds its limit. All writers append, so no hole remains."""
    if os.fstat(2).st_size > MAX_LOG_BYTES:
        os.ftruncate(2, 0)


class Supervisor:
    """Owner of one server, from before its first process to after its last."""

    def __init__(self, binaries: Path, pg: Path, sockets: Path) -> None:
        self.binaries, self.pg, self.sockets = binaries, pg, sockets
        self.data = pg / "data"
        self.server_lock = self.open_lock("server.lock")
        self.supervisor_lock = self.open_lock("supervisor.lock")
        self.users_lock = self.open_lock("users.lock")
        self.start_lock = self.open_lock("start.lock")
        self.stop_requested = False

    def open_lock(self, name: str) -> int:
        return os.open(self.pg / name, os.O_RDWR | os.O_CREAT, 0o600)

    def install_signal_handlers(self) -> None:
        """Let SIGCHLD and the stop signals interrupt `wait` at once."""
        self.wakeup_pipe, write_end = os.pipe()
        os.set_blocking(self.wakeup_pipe, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.request_stop)

    def request_stop(self, *_: object) -> None:
        self.stop_requested = True

    def wait(self, seconds: float) -> None:
        select.select([self.wakeup_pipe], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self.wakeup_pipe, 4096)

    def is_removed(self) -> bool:
        """Return whether the instance directory was deleted, by `rm -r` for example."""
        with contextlib.suppress(FileNotFoundError):
            current = (self.pg / "server.lock").stat()
            return not os.path.samestat(current, os.fstat(self.server_lock))
        return True

    def should_stop(self) -> bool:
        """Return whether to stop. If no user is left, also lock out new ones."""
        if self.stop_requested or self.is_removed():
            return True
        if not try_lock(self.users_lock):
            return False
        if try_lock(self.start_lock):
            return True
        # A process is joining: it is about to lock users.lock, or waits for a server that only
        # this supervisor can start. Waiting for start.lock here would deadlock.
        fcntl.flock(self.users_lock, fcntl.LOCK_UN)
        return False

    def prepare_data(self) -> bool:
        """Return whether there is a complete data directory, created now if necessary."""
        marker = self.pg / "initdb.unfinished"
        if marker.exists():
            # Incomplete data looks complete to postgres (PG_VERSION is written first) and not
            # empty to initdb, so both would fail on every start.
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.data)
        elif (self.data / "PG_VERSION").exists():
            return True
        marker.touch()
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb = self.launch("initdb", "-D", str(self.data), *options)
        if initdb.wait() != 0:
            log(f"initdb ended with {initdb.returncode}")
            return False
        marker.unlink()
        return True

    def launch(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        # The server inherits its lock: while any of its processes lives, even after this
        # supervisor, no other server is started on the same data.
        return subprocess.Popen(
            [*prefix(), str(self.binaries / program), *options],
            stdin=subprocess.DEVNULL,
            pass_fds=[self.server_lock],
        )

    def start(self) -> subprocess.Popen[bytes]:
        # The server's lock proves that no server runs, so these files are stale; postgres would
        # trust them if their pid was reused. Backends of a killed postgres still protect the
        # data, because postgres checks for their shared memory as well.
        for stale in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        # At each start, because cleaners of /tmp may remove it. If another user created it,
        # joining processes detect that before they connect.
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        options = ["-k", str(self.sockets), "-h", "", "-c", "unix_socket_permissions=0700"]
        if sys.platform == "linux":
            # Recovery first syncs all data. Syncing the 1,300 files of a new instance one by
            # one, which initdb left to the kernel, took up to 3 s; one syncfs call takes 0.2 s.
            options += ["-c", "recovery_init_sync_method=syncfs"]
        return self.launch("postgres", "-D", str(self.data), *options)

    def stop(self, postgres: subprocess.Popen[bytes]) -> None:
        """Stop the server, with the next signal of STOP_SIGNALS after each timeout."""
        for number, seconds in STOP_SIGNALS:
            postgres.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(seconds)
                return

    def run(self) -> int:
        """Keep the server running until it should stop; return 1 if it cannot start."""
        if not self.prepare_data():
            return 1
        starts, pause = 0, 0.0
        while not self.should_stop():
            started_at = time.monotonic()
            postgres = self.start()
            starts += 1
            while postgres.poll() is None and not self.should_stop():
                self.wait(POLL_INTERVAL_S)
                bound_log()
            if postgres.poll() is None:
                self.stop(postgres)
                return 0
            log(f"postgres ended with {postgres.returncode}")
            uptime = time.monotonic() - started_at
            if starts == 1 and postgres.returncode > 0 and uptime < MIN_UPTIME_S:
                return 1  # the joining process then reports the log at once
            # Retry at once the first time, then with growing pauses: the backends of a killed
            # postgres take a moment to end, and postgres refuses to start before; a full disk
            # takes longer.
            pause = 0.0 if uptime > 1 else min(max(2 * pause, 0.02), 0.5)
            self.wait(pause)
        return 0

    def remove_sockets(self) -> None:
        """Remove the socket directory, unless the next server already uses it."""
        if self.is_removed():
            with contextlib.suppress(OSError):
                self.sockets.rmdir()
        else:
            shutil.rmtree(self.sockets, ignore_errors=True)


def main() -> int:
    binaries, pg, sockets = map(Path, sys.argv[1:])
    bound_log()
    supervisor = Supervisor(binaries, pg, sockets)
    if not try_lock(supervisor.server_lock) or not try_lock(supervisor.supervisor_lock):
        return 1
    # The caller continues once the locks are held. The fork detaches this process from it:
    # gunicorn would take a child for one of its workers, and a caller that never waits for its
    # children would keep a zombie.
    if os.fork():
        os._exit(0)
    supervisor.install_signal_handlers()
    try:
        return supervisor.run()
    finally:
        # The locks are released when this process ends, so the directory is removed before.
        supervisor.remove_sockets()


if __name__ == "__main__":
    sys.exit(main())
