"""A bounded cache of what the database answered, shared by the threads of a process."""

from collections.abc import Hashable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# A merge or gather waits this long before its second sweep, so no process may cache for longer.
TTL_S = 5.0


class SharedTTLCache(Generic[Key, Value]):
    """The latest `max_size` entries, each for TTL_S at most. Safe to use from several threads."""

    def __init__(self, max_size: int) -> None:
        self._entries: TTLCache[Key, Value] = TTLCache(max_size, TTL_S)
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """Return the entry of a key, or None."""
        with self._lock, suppress(KeyError):
            return self._entries[key]  # TTLCache.get looks the key up twice
        return None

    def put(self, key: Key, value: Value) -> Value:
        """Store an entry and return it."""
        with self._lock:
            self._entries[key] = value
        return value

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()
