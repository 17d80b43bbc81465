"""File locks (flock), which the kernel releases when their holder ends, in whatever way."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from local_postgres.errors import PostgresUnavailable

POLL_INTERVAL_S = 0.02


def is_current(descriptor: int, path: Path) -> bool:
    """Return whether the open file is still the one at that path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock exclusively.

    Raises OSError if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def acquire(path: Path, kind: int, deadline: float) -> int:
    """Acquire the lock (`fcntl.LOCK_SH` or `LOCK_EX`) and return its descriptor.

    The descriptor is not inherited across exec. Raises PostgresUnavailable when the monotonic
    clock passes the deadline, OSError if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Polled, because a blocking flock has no timeout: a stopped holder would hang every
        # later process without a message.
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"Another process has been holding {path} for too long.")
            time.sleep(POLL_INTERVAL_S)
        if is_current(descriptor, path):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    # The directory was removed and created again meanwhile, so this lock is on a deleted file.
    os.close(descriptor)
    return acquire(path, kind, deadline)


@contextlib.contextmanager
def exclusive_lock(path: Path, deadline: float) -> Iterator[None]:
    """Hold the lock exclusively within the block. Raises as `acquire` does."""
    descriptor = acquire(path, fcntl.LOCK_EX, deadline)
    try:
        yield
    finally:
        # Closing alone would leave the lock to a child that another thread forked meanwhile.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
