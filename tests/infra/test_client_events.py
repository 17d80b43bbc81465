"""Each event wakes one thread, and a client is watched for one event at a time."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from app.infra.client_events import (
    READ,
    WRITE,
    ClientEvents,
    SelectorEvents,
    client_events,
)

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=[client_events, SelectorEvents], ids=["here", "elsewhere"])
def events(request: pytest.FixtureRequest) -> ClientEvents:
    made: ClientEvents = request.param()
    return made


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def test_a_client_that_sends_wakes_a_waiting_thread(events: ClientEvents, pair: Pair) -> None:
    ours, theirs = pair
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(events.wait)
        events.watch(ours.fileno(), READ, is_new=True)
        theirs.send(b"a")
        assert waiting.result(timeout=10) == [ours.fileno()]


def test_an_event_is_told_once_until_the_client_is_watched_again(
    events: ClientEvents, pair: Pair
) -> None:
    ours, theirs = pair
    theirs.send(b"a")
    events.watch(ours.fileno(), READ, is_new=True)
    assert events.wait() == [ours.fileno()]
    with ThreadPoolExecutor(1) as pool:
        # Nobody read, and yet nobody is told again, before the client may be written to.
        second = pool.submit(events.wait)
        events.watch(ours.fileno(), WRITE)
        assert second.result(timeout=10) == [ours.fileno()]
        third = pool.submit(events.wait)
        events.watch(ours.fileno(), READ)
        assert third.result(timeout=10) == [ours.fileno()]


def test_the_end_wakes_all_threads_at_once_and_from_then_on(events: ClientEvents) -> None:
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(events.wait) for _ in range(4)]
        events.end()
        assert all(len(wait.result(timeout=10)) == 1 for wait in waiting)
    assert events.wait()


def test_a_client_that_is_closed_meanwhile_is_forgotten(events: ClientEvents, pair: Pair) -> None:
    ours, theirs = pair
    events.watch(ours.fileno(), READ, is_new=True)
    events.forget(ours.fileno())
    events.forget(ours.fileno())
    ours.close()
    theirs.close()
    events.end()
    assert len(events.wait()) == 1
