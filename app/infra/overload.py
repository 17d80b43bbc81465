"""Refuses requests that waited too long for a thread, so that a crowd gets late answers no later.

After "controlled delay": a queue that was empty lately may hold a burst, and one that stays full
must be short. Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012; Maurer,
"Fail at Scale", ACM Queue 13(8), 2015.
"""

import time

# A client gives up, and sends again, after several seconds.
MAX_BURST_WAIT_S = 3.0
MAX_STANDING_WAIT_S = 1.0
# Without one wait as short as this in so many seconds, the queue counts as standing.
SHORT_WAIT_S = 0.1
STANDING_AFTER_S = 3.0


class QueueLimit:
    """Decides which requests of a process's queue are too old. Safe to use from several threads."""

    def __init__(self) -> None:
        self._last_short_wait = time.monotonic()

    def is_exceeded(self, arrived_at: float) -> bool:
        """Return whether a request, whose turn it is, waited too long since it arrived."""
        now = time.monotonic()
        waited = now - arrived_at
        if waited < SHORT_WAIT_S:
            self._last_short_wait = now
        is_standing = now - self._last_short_wait > STANDING_AFTER_S
        return waited > (MAX_STANDING_WAIT_S if is_standing else MAX_BURST_WAIT_S)
