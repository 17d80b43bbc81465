"""gunicorn's worker and logger, with what gunicorn 27.0 lacks: see each override's docstring."""

import os
import signal
from functools import partial
from queue import SimpleQueue
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from app.infra.buffering_worker import BufferingWorker

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def hold_signals_during_forks() -> None:
    """Deliver a stop signal that reaches a new worker before its interpreter is ready.

    CPython clears what arrived until then, and the worker would serve until it is killed.
    """

    def change(how: int) -> None:
        signal.pthread_sigmask(how, STOP_SIGNALS)

    os.register_at_fork(
        before=partial(change, signal.SIG_BLOCK),
        after_in_parent=partial(change, signal.SIG_UNBLOCK),
        after_in_child=partial(change, signal.SIG_UNBLOCK),
    )


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without its access log.

    With `logconfig_dict` gunicorn formats an access line for each request even where nothing writes
    it, a tenth of a request's cost; app.infra.middleware writes the service's.
    """

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing."""


class Worker(BufferingWorker):
    """A worker that stops within seconds and frees its port when the arbiter dies.

    tests/faults/test_process_deaths.py needs the overrides.
    `signals_since_fork`: the arbiter's queue, set by gunicorn.conf.py.
    """

    signals_since_fork: "SimpleQueue[int]" = SimpleQueue()

    def init_signals(self) -> None:
        """Install the handlers, and deliver the signals that arrived since the fork.

        gunicorn 27.0 workers inherit the arbiter's handlers, which put a signal into a queue that
        no worker reads: a stop in that moment took the whole graceful_timeout and ended in SIGKILL.
        """
        super().init_signals()
        while not self.signals_since_fork.empty():
            number = self.signals_since_fork.get()
            if number in STOP_SIGNALS:
                os.kill(os.getpid(), number)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Exit at once, without the thread pool's lock.

        gunicorn 27.0 shuts the pool down in the signal handler, which deadlocks where the signal
        interrupts the pool's own `submit`.
        """
        super(ThreadWorker, self).handle_quit(sig, frame)

    def is_parent_alive(self) -> bool:
        """Return whether the arbiter lives; when it died, free the port within a second.

        gunicorn 27.0 notices the death too, but keeps serving the connections it has: with busy
        keep-alive clients it holds the port for the whole graceful_timeout, and a new arbiter gives
        up binding after 5 s.
        """
        if super().is_parent_alive():
            return True
        # Requests in progress are answered, and their responses close the connections.
        self.alive = False
        self.set_accept_enabled(False)
        return False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to accept; at the end accept what is queued, and close the listeners.

        gunicorn 27.0 closes them when the last request is answered: until then the kernel queues
        new clients that nobody will accept, and then resets them.
        """
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        while self.sockets:
            listener = self.sockets.pop()
            while self.accept(listener):
                pass
            listener.close()
