"""The service under test: gunicorn with two workers, whose processes are known by pid."""

import os
import re
import shutil
import signal
import tempfile
from contextlib import suppress

from tests.support.serving import KEY, Gunicorn

WORKERS = 2


class Service(Gunicorn):
    """gunicorn on a database; `port`: where another one was, which may not be quite gone."""

    def __init__(self, database: str, port: int | None = None, **environment: str) -> None:
        self.wanted = port
        # Who is killed cannot tidy up.
        self.figures = tempfile.mkdtemp(prefix="figures-")
        given = {
            "DATABASE_URL": database,
            "API_KEYS": KEY,
            "WEB_CONCURRENCY": str(WORKERS),
            "PROMETHEUS_MULTIPROC_DIR": self.figures,
        }
        if port:
            given["PORT"] = str(port)
        super().__init__(given | environment)

    def is_ready(self) -> bool:
        if self.wanted:
            self.port, self.url = self.wanted, f"http://127.0.0.1:{self.wanted}"
        # Until it says so, it is its predecessor that answers.
        if self.process.poll() is None and "Listening at" not in self.log.read_text():
            return False
        return super().is_ready() and len(self.workers()) == WORKERS

    def end(self) -> None:
        """Be gone at once: how it ends is what some tests are about, and the others need not wait.

        Without its arbiter the group is left alone: its workers end by themselves.
        """
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.figures, ignore_errors=True)
        self.log.unlink()

    def workers(self) -> list[int]:
        """The pids of the workers that live."""
        booted = re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())
        return [int(pid) for pid in booted if is_alive(int(pid))]


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
