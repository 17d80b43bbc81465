"""Locks that the kernel lets go of when their holder is gone, however it went."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from local_postgres.errors import PostgresUnavailable

PAUSE = 0.02  # seconds between two tries


def is_current(descriptor: int, path: Path) -> bool:
    """Return whether the open file is still the one at that path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock exclusively.

    Raises OSError when the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def take(path: Path, kind: int, deadline: float) -> int:
    """Take the lock (`fcntl.LOCK_SH` or `LOCK_EX`) and return its descriptor.

    The descriptor is not inherited across exec. Raises PostgresUnavailable when the monotonic
    clock passes the deadline first, OSError when the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Tried again and again rather than waited for: a holder that is stopped or hangs
        # would otherwise hang every process after it, without a word.
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"Another process has been holding {path} for too long.")
            time.sleep(PAUSE)
        if is_current(descriptor, path):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    # The directory was removed and made again meanwhile: this lock is one that nobody else
    # will ever look at.
    os.close(descriptor)
    return take(path, kind, deadline)


@contextlib.contextmanager
def held(path: Path, deadline: float) -> Iterator[None]:
    """Hold the lock exclusively within the block. Raises as `take` does."""
    descriptor = take(path, fcntl.LOCK_EX, deadline)
    try:
        yield
    finally:
        # Closing alone would leave it to a child that another thread forked in the meantime.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
