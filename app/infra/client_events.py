"""Lets the threads of a process wait together for clients: each event wakes one of them.

A client is watched for one event at a time, so that only one thread deals with it. After the leader
and its followers in Schmidt et al., "Pattern-Oriented Software Architecture", volume 2, 2000.
"""

import os
import select
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Lock
from typing import Protocol

READ, WRITE = EVENT_READ, EVENT_WRITE


class ClientEvents(Protocol):
    """The clients of a process, by the descriptors of their sockets."""

    def watch(self, descriptor: int, event: int, *, is_new: bool = False) -> None:
        """Let one thread know when a client can be read from (READ) or written to (WRITE)."""

    def forget(self, descriptor: int) -> None:
        """Stop to watch a client that is about to be closed."""

    def wait(self) -> list[int]:
        """Wait for an event; return the descriptors of clients, which may have been closed since.

        After `end` return at once.
        """

    def end(self) -> None:
        """Wake all threads."""


class _Events:
    def __init__(self) -> None:
        # It becomes readable at the end and is never read, which wakes every thread.
        self._ended, self._end = os.pipe()

    def end(self) -> None:
        os.write(self._end, b"\0")


class EpollEvents(_Events):
    """On Linux all threads wait in the kernel, and none hands a client to another."""

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._epoll.register(self._ended, select.EPOLLIN)
        self._masks = {
            READ: select.EPOLLIN | select.EPOLLONESHOT,
            WRITE: select.EPOLLOUT | select.EPOLLONESHOT,
        }

    def watch(self, descriptor: int, event: int, *, is_new: bool = False) -> None:
        change = self._epoll.register if is_new else self._epoll.modify
        change(descriptor, self._masks[event])

    def forget(self, descriptor: int) -> None:
        """Do nothing: the kernel forgets a closed socket."""

    def wait(self) -> list[int]:
        return [descriptor for descriptor, _ in self._epoll.poll(maxevents=1)]


class SelectorEvents(_Events):
    """Elsewhere one thread waits for the clients, and the others for it."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = DefaultSelector()
        self._selector.register(self._ended, EVENT_READ)
        self._is_waiting = Lock()

    def watch(self, descriptor: int, event: int, *, is_new: bool = False) -> None:
        self._selector.register(descriptor, event)

    def forget(self, descriptor: int) -> None:
        with suppress(KeyError):  # another thread has just been told of an event
            self._selector.unregister(descriptor)

    def wait(self) -> list[int]:
        with self._is_waiting:
            ready = [key.fd for key, _ in self._selector.select()]
            for descriptor in ready:
                if descriptor != self._ended:
                    self.forget(descriptor)
        return ready


def client_events() -> ClientEvents:
    """Return what this platform does best."""
    return EpollEvents() if hasattr(select, "epoll") else SelectorEvents()
