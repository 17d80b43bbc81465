"""A bounded cache of what the database answered, shared by the threads of a process."""

import time
from collections.abc import Hashable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

TTL_S = 5.0


class SharedTTLCache(Generic[Key, Value]):
    """The `max_size` entries used last, each for TTL_S at most. Safe to use from several threads.

    An entry's age counts from before its query: until the answer is here, the database may change.
    """

    def __init__(self, max_size: int) -> None:
        self._entries: LRUCache[Key, tuple[Value, float]] = LRUCache(max_size)
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """Return the entry of a key, or None."""
        with self._lock, suppress(KeyError):
            value, asked_at = self._entries[key]  # LRUCache.get looks the key up twice
            if time.monotonic() < asked_at + TTL_S:
                return value
        return None

    def put(self, key: Key, value: Value, asked_at: float) -> Value:
        """Store an entry and return it; `asked_at`: time.monotonic() before its query."""
        with self._lock:
            self._entries[key] = value, asked_at
        return value

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()
