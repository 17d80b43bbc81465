"""Trials in which processes of the service are replaced, as deploys and gunicorn do it."""

import os
import signal
import time
from contextlib import ExitStack

from tests.support.service import WORKERS, Service
from tests.support.serving import TIMEOUT_S, wait_until
from tests.support.trials.stage import Stage

# Above the service's threads, so that connections are in the accept queue at any moment.
NEW_CONNECTIONS = 48
SECONDS_PER_STOP = 3
# The kernel resets what arrives between the last accept and the close. Without the drain of the
# queue 47 were reset.
MAX_RESETS_PER_STOP = 3


def workers_recycled(stage: Stage) -> None:
    """Let each worker end after about 200 requests."""
    name = "workers end after 200 requests"
    with (
        stage.service(GUNICORN_CMD_ARGS="--max-requests 200 --max-requests-jitter 50") as service,
        stage.under_load(name, service.url) as load,
    ):
        first = set(service.workers())
        time.sleep(stage.seconds)
        wait_until(lambda: not first & set(service.workers()))
        assert load.clients.faults == []


def workers_signalled(stage: Stage) -> None:
    """Replace all workers, add one and remove one, again and again."""
    with (
        stage.service() as service,
        stage.under_load("SIGHUP, SIGTTIN, SIGTTOU", service.url),
    ):
        ends_at = time.monotonic() + stage.seconds
        while time.monotonic() < ends_at:
            reload(service)
            os.kill(service.process.pid, signal.SIGTTIN)
            wait_until(lambda: len(service.workers()) == WORKERS + 1)
            os.kill(service.process.pid, signal.SIGTTOU)
            wait_until(lambda: len(service.workers()) == WORKERS)


def reload(service: Service) -> None:
    """Replace all workers by SIGHUP."""
    before = set(service.workers())
    os.kill(service.process.pid, signal.SIGHUP)
    wait_until(lambda: len(service.workers()) == WORKERS and not before & set(service.workers()))


def service_stopped(stage: Stage) -> None:
    """Stop the service and start another one on its port at once, as a platform does."""
    with ExitStack() as stack:
        service = stack.enter_context(stage.service())
        for _ in range(1 + int(stage.seconds / SECONDS_PER_STOP)):
            with stage.under_load(
                "SIGTERM, and a new service",
                service.url,
                clients=NEW_CONNECTIONS,
                keeps_alive=False,
            ):
                os.killpg(service.process.pid, signal.SIGTERM)
                successor = stack.enter_context(stage.service(port=service.port))
                assert service.process.wait(TIMEOUT_S) == 0
            service = successor
            assert stage.results[-1].reset <= MAX_RESETS_PER_STOP
