"""Batcher: which work of a failed batch runs again, alone."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.infra.batcher import Batcher
from app.infra.database import Conflict, DatabaseUnavailable, LockTimeout

THREADS = 8
ROUNDS = 20


class Work:
    """Batches that fail with an exception if they hold several items, and what has run."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        self.alone: list[int] = []
        self.together: list[int] = []

    def run(self, items: list[int]) -> list[int]:
        time.sleep(0.005)  # so that the others come while it runs
        if len(items) > 1:
            self.together += items
            raise self.failure
        self.alone += items
        return items


def submit_concurrently(work: Work) -> list[BaseException | None]:
    """Return the outcome of each item; equal numbers of items start at the same instant."""
    batcher, barrier = Batcher(work.run), Barrier(THREADS)

    def submit(number: int) -> int:
        barrier.wait()
        return batcher.submit(number)

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(submit, number) for number in range(THREADS * ROUNDS)]
    return [future.exception() for future in futures]


@pytest.mark.parametrize("failure", [LockTimeout(), Conflict(), ValueError()])
def test_work_that_may_succeed_alone_runs_again(failure: Exception) -> None:
    work = Work(failure)
    assert set(submit_concurrently(work)) == {None}
    assert set(work.together) < set(work.alone)
    assert len(work.together) > 0


def test_without_a_database_the_whole_batch_fails_at_once() -> None:
    work = Work(DatabaseUnavailable())
    outcomes = submit_concurrently(work)
    failed = {number for number, outcome in enumerate(outcomes) if outcome}
    assert failed == set(work.together)
    assert not failed & set(work.alone)
    assert all(isinstance(outcomes[number], DatabaseUnavailable) for number in failed)
    assert failed
