"""What the database answered a moment ago, for any thread of this process."""

from collections.abc import Hashable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# A merge or a gather waits this long before it sweeps: nobody may remember longer.
REMEMBERED_S = 5.0


class Remembered(Generic[Key, Value]):
    """The latest `most` answers, each for REMEMBERED_S at the most."""

    def __init__(self, most: int) -> None:
        self._answers: TTLCache[Key, Value] = TTLCache(most, REMEMBERED_S)
        self._lock = Lock()

    def recall(self, key: Key) -> Value | None:
        """What was kept for a key, or None."""
        with self._lock, suppress(KeyError):
            return self._answers[key]  # .get looks twice
        return None

    def keep(self, key: Key, value: Value) -> Value:
        """Remember a value, and return it."""
        with self._lock:
            self._answers[key] = value
        return value

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._answers.clear()
