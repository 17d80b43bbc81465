"""The service under test: gunicorn with two workers, whose processes can be killed."""

import os
import re
import shutil
import signal
import tempfile
from contextlib import suppress

from tests.support.serving import KEY, Gunicorn

WORKERS = 2


class Service(Gunicorn):
    """gunicorn on a database; `port`: that of a predecessor, which may still be ending."""

    def __init__(self, database: str, port: int | None = None, **environment: str) -> None:
        self.fixed_port = port
        # A killed process cannot remove its metrics directory.
        self.metrics_directory = tempfile.mkdtemp(prefix="metrics-")
        variables = {
            "DATABASE_URL": database,
            "API_KEYS": KEY,
            "WEB_CONCURRENCY": str(WORKERS),
            "PROMETHEUS_MULTIPROC_DIR": self.metrics_directory,
        }
        if port:
            variables["PORT"] = str(port)
        super().__init__(variables | environment)

    def is_ready(self) -> bool:
        if self.fixed_port:
            self.port, self.url = self.fixed_port, f"http://127.0.0.1:{self.fixed_port}"
        # Until the log has this line, its predecessor may answer.
        if self.process.poll() is None and "Listening at" not in self.log.read_text():
            return False
        return super().is_ready() and len(self.workers()) == WORKERS

    def kill(self) -> None:
        """Kill the process group, and remove its files.

        If the arbiter has already ended, its workers end by themselves.
        """
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.metrics_directory, ignore_errors=True)
        self.log.unlink()

    def workers(self) -> list[int]:
        """Return the pids of the living workers."""
        booted = re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())
        return [int(pid) for pid in booted if is_alive(int(pid))]


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
