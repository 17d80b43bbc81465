"""Group commit: concurrent callers' work is done by one of them in one batch.

While two statements run, later callers wait, and the first of them then does the work of all that
wait: the more callers, the cheaper each. A lone caller never waits.
After DeWitt et al., "Implementation techniques for main memory database systems", SIGMOD 1984.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from app.infra.database import DatabaseUnavailable, LockTimeout

Work = TypeVar("Work")
Result = TypeVar("Result")

# The server runs one batch while the next is sent; more at once only make the batches smaller.
MAX_CONCURRENT_BATCHES = 2
MAX_BATCH_SIZE = 8
# A leader may be delayed; the others stop waiting for it after the time of a few statements.
WAIT_TIMEOUT_S = 0.1


class _Waiter(Generic[Work, Result]):
    """A waiting caller; `wake` is released when its result is there, or when it is to lead.

    `failure`: why its batch failed, where its work alone would fail too.
    """

    __slots__ = ("failure", "is_done", "is_leader", "result", "wake", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.is_leader = self.is_done = False
        self.failure: DatabaseUnavailable | None = None
        self.result: Result
        self.wake = Lock()
        self.wake.acquire()


class Batcher(Generic[Work, Result]):
    """Runs `run_batch` for one caller or, when several are concurrent, for some of them at once.

    `run_batch` returns a result for each item, in order. If it raises for a batch of several, each
    caller's work is run alone; without a database the whole batch fails.
    """

    def __init__(self, run_batch: Callable[[list[Work]], list[Result]]) -> None:
        self._run_batch = run_batch
        self._lock = Lock()
        self._waiting: deque[_Waiter[Work, Result]] = deque()
        self._running = 0

    def submit(self, work: Work) -> Result:
        """Return the result of one item.

        Raises what `run_batch` raises for it alone, or DatabaseUnavailable.
        """
        with self._lock:
            may_run = self._running < MAX_CONCURRENT_BATCHES  # the queue is empty then
            if may_run:
                self._running += 1
            else:
                waiter: _Waiter[Work, Result] = _Waiter(work)
                self._waiting.append(waiter)
        if may_run:
            try:
                return self._run_alone(work)
            finally:
                self._hand_over()
        self._wait(waiter)
        if waiter.is_leader:
            self._lead(waiter)
        if waiter.failure:
            raise DatabaseUnavailable(str(waiter.failure)) from waiter.failure
        return waiter.result if waiter.is_done else self._run_alone(work)

    def _run_alone(self, work: Work) -> Result:
        return self._run_batch([work])[0]

    def _wait(self, waiter: _Waiter[Work, Result]) -> None:
        if waiter.wake.acquire(timeout=WAIT_TIMEOUT_S):
            return
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return
        waiter.wake.acquire()  # a leader has taken the work

    def _lead(self, leader: _Waiter[Work, Result]) -> None:
        """Run the leader's work with that of others who wait."""
        with self._lock:
            count = min(len(self._waiting), MAX_BATCH_SIZE - 1)
            followers = [self._waiting.popleft() for _ in range(count)]
        batch = [leader, *followers]
        try:
            results = self._run_batch([waiter.work for waiter in batch])
        except Exception as error:
            if not followers:
                raise
            if isinstance(error, DatabaseUnavailable) and not isinstance(error, LockTimeout):
                for waiter in batch:
                    waiter.failure = error
        else:
            for waiter, result in zip(batch, results, strict=True):
                waiter.result, waiter.is_done = result, True
        finally:
            for waiter in followers:
                waiter.wake.release()
            self._hand_over()

    def _hand_over(self) -> None:
        """Let the first waiter lead."""
        with self._lock:
            if not self._waiting:
                self._running -= 1
                return
            successor = self._waiting.popleft()
        successor.is_leader = True
        successor.wake.release()
