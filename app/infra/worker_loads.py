"""How many clients each worker of a server has, known to all of them.

The kernel wakes all workers for a new client, and the first takes it, which may be the same one for
all of many clients. A worker that has more clients than another therefore lets that one be first.
"""

import math
import mmap
import time

# More than live at a time.
SLOTS = 64
# A worker that is too busy to accept delays clients by so much, and then for a while no more.
MAX_WAIT_S = 0.02
PAUSE_S = 0.1
STEP_S = 0.001
IGNORED_AFTER_S = 3.0


class WorkerLoads:
    """Create it before the workers fork; `worker`: its number, counted from the server's start."""

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, 2 * SLOTS * 8)).cast("d")
        self._clients, self._noted_at = memory[:SLOTS], memory[SLOTS:]
        self._in_vain_until = 0.0
        for worker in range(SLOTS):
            self.leave(worker)

    def note(self, worker: int, clients: int) -> None:
        """Tell the others how many clients a worker has; to be repeated within seconds."""
        self._clients[worker % SLOTS] = clients
        self._noted_at[worker % SLOTS] = time.monotonic()

    def leave(self, worker: int) -> None:
        """Tell the others that a worker takes no more clients."""
        self._noted_at[worker % SLOTS] = -math.inf

    def let_emptier_go_first(self, clients: int) -> None:
        """Wait a moment while another worker has fewer clients than `clients`.

        After a wait in vain not again for a while: many clients may queue, and each would wait.
        """
        now = time.monotonic()
        deadline = now + MAX_WAIT_S
        while now >= self._in_vain_until and self._has_emptier(clients, now):
            if now >= deadline:
                self._in_vain_until = now + PAUSE_S
                return
            time.sleep(STEP_S)
            now = time.monotonic()

    def _has_emptier(self, clients: int, now: float) -> bool:
        return any(
            others < clients and noted_at > now - IGNORED_AFTER_S
            for others, noted_at in zip(self._clients, self._noted_at, strict=True)
        )
