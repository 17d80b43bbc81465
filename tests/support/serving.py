"""A real gunicorn, started like the Procfile's web line."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.support.paths import ROOT

KEY = "a-key-for-the-tests-of-this-suite"
TIMEOUT_S = 30


class Gunicorn:
    """A server in a process group of its own; its output goes to the file `log`."""

    def __init__(
        self,
        environment: dict[str, str],
        command: list[str] | None = None,
        *,
        is_awaited: bool = True,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkstemp(suffix=".log")[1])
        command = command or [
            str(Path(sys.executable).parent / "gunicorn"),
            *("-c", "gunicorn.conf.py", "app:create_app()"),
        ]
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=inherited | {"PORT": str(self.port)} | environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        if is_awaited:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, lambda: f"not ready:\n{self.log.read_text()[-3000:]}")

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"gunicorn ended:\n{self.log.read_text()[-3000:]}")
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the whole group, as a terminal does, wait, and return the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(TIMEOUT_S)


def wait_until(condition: Callable[[], bool], failure: Callable[[], str] = lambda: "") -> None:
    """Wait until a condition is true. Raises AssertionError with `failure` after TIMEOUT_S."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, failure()
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
