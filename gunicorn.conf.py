"""gunicorn's settings; the numbers come from the environment through app/config.py."""

import gc
from typing import Any

from app.config import create_metrics_directory, metrics_directory, read_environment

settings = read_environment()
# prometheus_client looks for the directory when it is imported.
create_metrics_directory()

from app.infra.access_log import logging_config  # noqa: E402
from app.infra.buffering_worker import allow_connections  # noqa: E402
from app.infra.gunicorn_worker import QuietLogger, Worker, hold_signals_during_forks  # noqa: E402
from app.infra.metrics import continue_files  # noqa: E402

bind = f"{'127.0.0.1' if settings.app_env == 'development' else '0.0.0.0'}:{settings.port}"
workers = settings.workers
threads = settings.threads
worker_connections = allow_connections(2_000)
# Sync workers outlive a killed arbiter by many seconds; threads notice within one.
worker_class = Worker
# Loaded once and shared: less memory, and a configuration error ends the start, not each worker.
preload_app = True
# Heroku kills 30 s after SIGTERM: requests in progress end before that.
graceful_timeout = 22
timeout = 30
# Longer than the keep-alive of the router in front (90 s on Heroku), which could otherwise send a
# request on a connection that is being closed.
keepalive = 95
# Responses go through app.infra.http_connection, not from a file to the socket.
sendfile = False
max_requests = 100_000
max_requests_jitter = 10_000
# Otherwise gunicorn makes a socket for each system user in the home directory.
control_socket_disable = True
logger_class = QuietLogger
logconfig_dict = logging_config(settings.log_level)


def on_starting(server: Any) -> None:
    """Prepare the forks, and log that fewer workers start than the platform requests."""
    hold_signals_during_forks()
    if settings.requested_workers > settings.workers:
        text = "WEB_CONCURRENCY is %d, but %d workers start: each needs a database connection"
        server.log.warning(text, settings.requested_workers, settings.workers)


def pre_request(worker: object, request: object) -> None:
    """Log nothing; gunicorn's default logs the path at DEBUG, and paths contain user ids."""


def post_fork(server: object, worker: object) -> None:
    """Give the worker metrics, database connections and a thread for hourly upkeep."""
    from app.domain.upkeep import start_hourly_upkeep
    from app.services import EXTENSION

    # Objects loaded before the fork stay: a full collection would scan 240,000 of them each time.
    gc.freeze()
    continue_files(metrics_directory() or "")
    worker.signals_since_fork = server.SIG_QUEUE  # type: ignore[attr-defined]
    app = worker.app.wsgi()  # type: ignore[attr-defined]
    database = app.extensions[EXTENSION].database
    database.after_fork()
    start_hourly_upkeep(database)


def when_ready(server: object) -> None:
    """Print the address and a first request for a developer."""
    if settings.app_env != "development":
        return
    address = f"http://127.0.0.1:{settings.port}"
    body = '{"_id": "me", "city": "Sevilla", "interests": ["surf", "coffee"]}'
    print(f"\nNomad Rooms is at {address}\nTry:  curl {address}/rooms -d '{body}'\n", flush=True)
