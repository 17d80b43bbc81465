"""Clients that ask without pause until told to stop, and a reader of every change meanwhile."""

import threading
from collections import Counter
from typing import Any, Self

from tests.support.http import session


class Clients:
    """Threads, each in `ask` from entering to leaving.

    `statuses`: what they were answered, for those who count it. `read`: what /changes gave to the
    reader, which pages through it, `page` at a time, to the end of what there is at leaving.
    """

    page = 200

    def __init__(self, url: str, number: int, *, reads_changes: bool = True) -> None:
        self.url = url
        self.stopping = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.read: list[Any] = []
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(number)]
        if reads_changes:
            self.threads.append(threading.Thread(target=self._read_changes))

    def ask(self, client: int) -> None:
        """What one client does while `stopping` is not set."""
        raise NotImplementedError

    def note(self, changes: list[dict[str, Any]]) -> None:
        """Keep what a page of /changes held."""
        self.read += changes

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
                last_round = self.stopping.is_set()
                address = f"{self.url}/changes?after={after}&limit={self.page}"
                page = http.get(address).json()
                self.note(page["items"])
                after = page["next"]
                if last_round and not page["items"]:
                    return
