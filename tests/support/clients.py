"""Clients that send requests without pause until they are stopped, and a reader of /changes."""

import threading
from collections import Counter
from typing import Any, Self

from tests.support.http import session


class Clients:
    """A context manager that runs `run_client` in threads, and stops them at its end.

    `statuses`: counts of responses, for subclasses to fill. `changes`: what /changes returned to
    the reader, which pages through it, `page` at a time, until it is empty after the stop.
    """

    page = 200

    def __init__(self, url: str, number: int, *, reads_changes: bool = True) -> None:
        self.url = url
        self.stopping = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.changes: list[Any] = []
        self.threads = [threading.Thread(target=self.run_client, args=(n,)) for n in range(number)]
        if reads_changes:
            self.threads.append(threading.Thread(target=self._read_changes))

    def run_client(self, client: int) -> None:
        """Send requests until `stopping` is set."""
        raise NotImplementedError

    def record(self, changes: list[dict[str, Any]]) -> None:
        """Store the items of a page of /changes."""
        self.changes += changes

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _read_changes(self) -> None:
        after = 0
        with session() as http:
            while True:
                is_stopping = self.stopping.is_set()
                address = f"{self.url}/changes?after={after}&limit={self.page}"
                page = http.get(address).json()
                self.record(page["items"])
                after = page["next"]
                if is_stopping and not page["items"]:
                    return
