"""Fixtures: processes that start, join and leave real servers."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg2
import pytest

from local_postgres.paths import InstancePaths
from tests.support.paths import ROOT

# PYTHONPATH for another Python: the project and its dependencies.
SEARCH_PATH = f"{ROOT}:{pathlib.Path(psycopg2.__file__).parents[1]}"
TIMEOUT_S = 60.0


def wait_until(condition: Callable[[], object]) -> object:
    deadline = time.monotonic() + TIMEOUT_S
    while not (result := condition()):
        assert time.monotonic() < deadline, f"still false: {condition}"
        time.sleep(0.05)
    return result


class User:
    """A separate process that uses, or will use, an instance's server."""

    def __init__(
        self,
        instance: pathlib.Path,
        command: tuple[str, ...] = (sys.executable,),
        **environment: str,
    ) -> None:
        self.process = subprocess.Popen(
            [*command, str(ROOT / "tests" / "local_postgres" / "user.py"), str(instance)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=os.environ | {"PYTHONPATH": SEARCH_PATH} | environment,
        )
        self.output = b""
        assert self.read_line() == "ready"

    def read_line(self) -> str:
        while b"\n" not in self.output:
            # os.read, not readline: select does not see a line in Python's buffer.
            readable, _, _ = select.select([self.process.stdout], [], [], TIMEOUT_S)
            assert readable, "the user process does not answer"
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f"the user process ended: {self.output.decode()}"
            self.output += chunk
        line, self.output = self.output.split(b"\n", 1)
        return line.decode()

    def send(self, expression: str) -> None:
        self.process.stdin.write(f"{expression}\n".encode())
        self.process.stdin.flush()

    def evaluate(self, expression: str) -> str:
        self.send(expression)
        return self.read_line()

    def start_joining(self) -> None:
        self.send("join(instance)")

    def finish_joining(self) -> str:
        url = self.read_line()
        assert url.startswith("postgresql://"), url
        return url

    def join(self) -> str:
        self.start_joining()
        return self.finish_joining()

    def leave(self) -> None:
        """End the process, and check that no other process holds its pipes open."""
        self.process.communicate(timeout=TIMEOUT_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Server:
    """An instance's server seen from outside, and the user processes of a test."""

    def __init__(self, instance: pathlib.Path) -> None:
        self.instance = instance
        self.paths = InstancePaths.of(instance)
        self.users: list[User] = []

    def user(self, *command: str, **environment: str) -> User:
        self.users.append(User(self.instance, command or (sys.executable,), **environment))
        return self.users[-1]

    def processes(self, program: str = "") -> list[psutil.Process]:
        """Return the processes of supervisor, initdb and postgres, or those of one program.

        Backends replace their command line, so only their working directory identifies them.
        """
        matching = []
        for pid in psutil.pids():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(pid)
                words = process.cmdline()  # empty for kernel threads and zombies
                if program and program not in map(os.path.basename, words):
                    continue
                home = str(self.paths.pg)
                if words and (home in " ".join(words) or process.cwd().startswith(home)):
                    matching.append(process)
        return matching

    def wait_for_process(self, program: str) -> psutil.Process:
        """Wait for a process of the program (`supervisor.py`, `postgres`) and return it."""
        return wait_until(lambda: self.processes(program))[0]

    def wait_for_polls(self) -> None:
        """Wait until the supervisor has checked for users, and kept the server."""
        (process,) = self.processes("supervisor.py")
        # It sleeps between two checks; each sleep is a voluntary context switch.
        before = process.num_ctx_switches().voluntary
        wait_until(lambda: process.num_ctx_switches().voluntary > before + 3)

    def is_gone(self) -> bool:
        return not self.paths.sockets.exists() and not self.processes()

    def log(self) -> str:
        return self.paths.log.read_text(errors="replace")


def run_query(url: str, statement: str) -> object:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Wait until a condition is true; fail after TIMEOUT_S."""
    return wait_until


@pytest.fixture
def query() -> Callable[[str, str], object]:
    """Run one statement in the database of a URL; return the first value."""
    return run_query


@pytest.fixture
def answers() -> Callable[[str], bool]:
    """Return whether the database of a URL answers."""

    def attempt(url: str) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            return run_query(url, "SELECT 1") == 1
        return False

    return attempt


@pytest.fixture(scope="session")
def ordinary_user() -> tuple[str, ...]:
    """Return a command with which root runs a Python with this project's packages as uid 1000."""
    drop_root = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--")
    check = "import os, sys, psycopg2, local_postgres.binaries as wheel; wheel.find_binaries(); "
    # setpriv itself runs Python with root's permissions, but that Python has to run another.
    check += "sys.exit(not os.access(sys.executable, os.X_OK))"
    for python in (sys.executable, shutil.which("python3.11", path="/usr/local/bin:/usr/bin")):
        command = [*drop_root, str(python), "-c", check]
        environment = os.environ | {"PYTHONPATH": SEARCH_PATH}
        if not subprocess.run(command, env=environment, cwd="/", capture_output=True).returncode:
            return (*drop_root, str(python))
    pytest.skip("uid 1000 can read no Python that has this project's dependencies")


@pytest.fixture
def make_server() -> Iterator[Callable[[pathlib.Path], Server]]:
    """Return a factory of Servers; at the end the users are killed and all processes must end."""
    servers: list[Server] = []

    def create(instance: pathlib.Path) -> Server:
        servers.append(Server(instance))
        return servers[-1]

    yield create
    for server in servers:
        for user in server.users:
            user.kill()
            user.process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                user.process.stdin.close()
    try:
        for server in servers:
            wait_until(server.is_gone)
    finally:
        for server in servers:
            for process in server.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            # An instance takes 46 MB, and pytest keeps the directories of three runs.
            shutil.rmtree(server.instance, ignore_errors=True)


@pytest.fixture
def new_server(make_server: Callable[[pathlib.Path], Server], tmp_path: pathlib.Path) -> Server:
    """Return the server, not yet started, of an instance directory that does not exist."""
    return make_server(tmp_path / "instance")


@pytest.fixture(scope="session")
def existing_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """Yield the data directory of an instance that was used before and is stopped."""
    used = Server(tmp_path_factory.mktemp("used") / "instance")
    user = used.user()
    user.join()
    user.leave()
    wait_until(used.is_gone)
    yield used.paths.pg / "data"
    shutil.rmtree(used.instance)


@pytest.fixture
def server(new_server: Server, existing_data: pathlib.Path) -> Server:
    """Return the stopped server of an instance with data: initdb is most of a first start."""
    new_server.paths.create_home()
    # cp, not shutil.copytree, to keep the owner: root's postgres runs as nobody.
    subprocess.run(["cp", "-Rp", existing_data, new_server.paths.pg], check=True)
    return new_server
