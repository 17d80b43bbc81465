"""Keeps one Postgres alive for as long as anybody uses it, then stops it.

Run by its path, `python -I -S supervisor.py BINARIES PG SOCKETS`, and for that reason made of
the standard library alone: it must not pay for, or break with, the application. It returns as
soon as it has the server's lock and goes on in the background; 1 means another one has it.
What it says goes to standard error, which is the server's log.
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

NOBODY = "65534"
TICK = 0.2  # seconds between two looks at whether anybody is left
LOG_LIMIT = 4_000_000  # bytes
PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def prefix() -> list[str]:
    """Return what to run postgres through: as nobody when we are root, and tied to our life."""
    if sys.platform != "linux":
        return []
    # Without pdeathsig a supervisor killed with -9 would leave a server that nobody stops.
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        # postgres refuses uid 0. dac_override, and nothing else, is kept of root's powers:
        # without it nobody cannot enter /root, or any 0700 directory above the data or the
        # wheel, nor make a socket in a directory that is root's.
        command += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command += ["--securebits=+no_setuid_fixup", "--inh-caps=-all,+dac_override"]
        command += ["--ambient-caps=+dac_override", "--bounding-set=-all,+dac_override"]
    return [*command, "--"]


def try_lock(descriptor: int) -> bool:
    """Take the lock exclusively if it is free; taking it again is no harm."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def say(message: str) -> None:
    print(f"{time.strftime('%F %T')} supervisor[{os.getpid()}]: {message}", file=sys.stderr)


def bound_log() -> None:
    """Empty the log when it has grown too long. Its writers append, so none leaves a hole."""
    if os.fstat(2).st_size > LOG_LIMIT:
        os.ftruncate(2, 0)


class Supervisor:
    """One server's keeper, from before its first process to after its last."""

    def __init__(self, binaries: Path, pg: Path, sockets: Path) -> None:
        self.binaries, self.pg, self.sockets = binaries, pg, sockets
        self.data = pg / "data"
        self.server_lock = self.open_lock("server.lock")
        self.supervisor_lock = self.open_lock("supervisor.lock")
        self.users_lock = self.open_lock("users.lock")
        self.start_lock = self.open_lock("start.lock")
        self.asked_to_stop = False

    def open_lock(self, name: str) -> int:
        return os.open(self.pg / name, os.O_RDWR | os.O_CREAT, 0o600)

    def listen(self) -> None:
        """Let a dead child or a request to stop end a wait at once instead of at its tick."""
        self.woken, wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)

    def ask_to_stop(self, *_: object) -> None:
        self.asked_to_stop = True

    def wait(self, seconds: float) -> None:
        select.select([self.woken], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self.woken, 4096)

    def is_removed(self) -> bool:
        """Return whether the instance was deleted under us, by `rm -r` for example."""
        with contextlib.suppress(FileNotFoundError):
            there = (self.pg / "server.lock").stat()
            return not os.path.samestat(there, os.fstat(self.server_lock))
        return True

    def is_unwanted(self) -> bool:
        """Return whether to stop. If it is because nobody is left, nobody can join any more."""
        if self.asked_to_stop or self.is_removed():
            return True
        if not try_lock(self.users_lock):
            return False
        if try_lock(self.start_lock):
            return True
        # Somebody is joining at this moment and will want users.lock, or wait for a server
        # that we alone can start: waiting for start.lock here would stop us both.
        fcntl.flock(self.users_lock, fcntl.LOCK_UN)
        return False

    def prepare_data(self) -> bool:
        """Return whether there is a complete data directory, made now if need be."""
        marker = self.pg / "initdb.unfinished"
        if marker.exists():
            # Half-made data looks whole to postgres (PG_VERSION comes first) and to initdb
            # (not empty): both would fail for ever.
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.data)
        elif (self.data / "PG_VERSION").exists():
            return True
        marker.touch()
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb = self.launch("initdb", "-D", str(self.data), *options)
        if initdb.wait() != 0:
            say(f"initdb ended with {initdb.returncode}")
            return False
        marker.unlink()
        return True

    def launch(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        # The server's lock goes with it: while any process of the server lives, even one that
        # outlives us, no other server is started on its data.
        return subprocess.Popen(
            [*prefix(), str(self.binaries / program), *options],
            stdin=subprocess.DEVNULL,
            pass_fds=[self.server_lock],
        )

    def start(self) -> subprocess.Popen[bytes]:
        # Our lock says that no server lives, so what these files say is stale; postgres would
        # believe them if their pid had been given to some other process since. Backends of a
        # killed postgres still keep it off the data: it looks for their shared memory as well.
        for stale in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        # At each start: cleaners of /tmp take what they think forgotten. If it is there already,
        # those who join see whose it is before they connect.
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        options = ["-k", str(self.sockets), "-h", "", "-c", "unix_socket_permissions=0700"]
        if sys.platform == "linux":
            # Recovery syncs all data first. File by file, the 1,300 of a new instance, which
            # initdb left to the kernel, kept it away for up to 3 s; in one call, 0.2 s.
            options += ["-c", "recovery_init_sync_method=syncfs"]
        return self.launch("postgres", "-D", str(self.data), *options)

    def stop(self, postgres: subprocess.Popen[bytes]) -> None:
        """End the server: politely, then without its checkpoint, then in any case."""
        for number, seconds in PATIENCE:
            postgres.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(seconds)
                return

    def run(self) -> int:
        """Keep the server running until it is unwanted; 1 when it cannot start at all."""
        if not self.prepare_data():
            return 1
        starts, pause = 0, 0.0
        while not self.is_unwanted():
            began = time.monotonic()
            postgres = self.start()
            starts += 1
            while postgres.poll() is None and not self.is_unwanted():
                self.wait(TICK)
                bound_log()
            if postgres.poll() is None:
                self.stop(postgres)
                return 0
            say(f"postgres ended with {postgres.returncode}")
            lived = time.monotonic() - began
            if starts == 1 and postgres.returncode > 0 and lived < 10:
                return 1  # it refused: whoever waits for it should hear why, not wait
            # At once the first time. Backends of a killed postgres need a moment to notice, and
            # postgres refuses while they live; a full disk needs longer: hence a growing pause.
            pause = 0.0 if lived > 1 else min(max(2 * pause, 0.02), 0.5)
            self.wait(pause)
        return 0

    def leave(self) -> None:
        """Take the socket directory away, unless the next server is already in it."""
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
    # Whoever started us goes on, knowing that the locks are held; and we are no child of it,
    # for gunicorn would take us for a worker of its own, and a process that never waits for its
    # children would keep us as a zombie.
    if os.fork():
        os._exit(0)
    supervisor.listen()
    try:
        return supervisor.run()
    finally:
        # Before the locks go, which is when we end.
        supervisor.leave()


if __name__ == "__main__":
    sys.exit(main())
