"""gunicorn's settings; the numbers come from the environment through app/config.py."""

import gc
import os
import shutil
import tempfile

OURS = f"{tempfile.gettempdir()}/nomad-rooms-figures-"
# The figures of all workers meet in files of one directory, empty at each start. Before the import
# of what counts, which looks for it once.
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR", "").startswith(OURS):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=OURS)

from app.config import read_environment  # noqa: E402
from app.web.observe import logging_config  # noqa: E402
from app.web.worker import Log, Worker  # noqa: E402

settings = read_environment()

bind = f"{'127.0.0.1' if settings.app_env == 'development' else '0.0.0.0'}:{settings.port}"
workers = settings.workers
threads = settings.threads
# Sync workers outlive a killed arbiter by many seconds; threads see it within one.
worker_class = Worker
# Loaded once and shared: less memory, and a configuration fault ends the start, not each worker.
preload_app = True
# Heroku kills 30 s after SIGTERM: what is under way ends before that.
graceful_timeout = 22
timeout = 30
keepalive = 5
max_requests = 100_000
max_requests_jitter = 10_000
# Otherwise a socket of each system user appears in the home directory.
control_socket_disable = True
# Our own line has what an access log may say.
accesslog = None
logger_class = Log
logconfig_dict = logging_config(settings.log_level)


def post_fork(server: object, worker: object) -> None:
    """Let no two processes speak on one connection, and no worker look for garbage in the code."""
    from app.current import EXTENSION

    # What is loaded stays: looking through all of it would hold up everybody's answer each time.
    gc.freeze()
    app = worker.app.wsgi()  # type: ignore[attr-defined]
    app.extensions[EXTENSION].database.after_fork()


def child_exit(server: object, worker: object) -> None:
    """What a worker counted stays; what it only showed is gone with it."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[attr-defined]


def on_exit(server: object) -> None:
    """Leave no directory behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def when_ready(server: object) -> None:
    """Tell a developer where it is, and a first thing to try."""
    if settings.app_env != "development":
        return
    address = f"http://127.0.0.1:{settings.port}"
    body = '{"_id": "me", "city": "Sevilla", "interests": ["surf", "coffee"]}'
    print(f"\nNomad Rooms is at {address}\nTry:  curl {address}/rooms -d '{body}'\n", flush=True)
