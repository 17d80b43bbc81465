"""The connections that a process's statements take turns on, and the statements they prepare.

SQLAlchemy opens them; here they are only lent, from a queue: the bookkeeping of its own pool costs
each request a tenth of a bare one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import psycopg2

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that each connection parses and plans once.

    `types`: each of its %(parameters)s with its PostgreSQL type. `before`: what stands before it in
    the same round trip, and so in the same transaction.
    """

    name: str
    sql: str
    types: Mapping[str, str]
    before: str = ""

    @property
    def plain(self) -> str:
        return self.before + self.sql

    @property
    def prepare(self) -> str:
        numbers = {name: f"${number}" for number, name in enumerate(self.types, 1)}
        sql = re.sub(r"%\((\w+)\)s", lambda found: numbers[found[1]], self.sql)
        return f"PREPARE {self.name} ({', '.join(self.types.values())}) AS {sql}"

    @property
    def execute(self) -> str:
        """Takes its parameters in the order of `types`: psycopg2 reads them faster than names."""
        return f"{self.before}EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})"


@dataclass(slots=True, eq=False)
class Connection:
    """A connection in autocommit, whether it has answered before, and what it has prepared."""

    raw: psycopg2.extensions.connection
    was_used: bool = False
    prepared: dict[str, str] = field(default_factory=dict)
    cursor: psycopg2.extensions.cursor = field(init=False)

    def __post_init__(self) -> None:
        self.cursor = self.raw.cursor()

    def run(
        self, statement: str | Prepared, parameters: Parameters | None, prepares: bool
    ) -> list[tuple[Any, ...]]:
        """The rows of one statement (none: an empty list). Raises psycopg2.Error."""
        if isinstance(statement, Prepared):
            if prepares:
                return self._run_prepared(statement, parameters or {})
            statement = statement.plain
        self.cursor.execute(statement, parameters)
        return self._rows()

    def _run_prepared(self, statement: Prepared, parameters: Parameters) -> list[tuple[Any, ...]]:
        if statement.name not in self.prepared:
            self.cursor.execute(statement.prepare)
            self.prepared[statement.name] = statement.execute
        given = [parameters[name] for name in statement.types]
        self.cursor.execute(self.prepared[statement.name], given)
        return self._rows()

    def _rows(self) -> list[tuple[Any, ...]]:
        return self.cursor.fetchall() if self.cursor.description else []


class NoneFree(Exception):
    """All connections are busy, and none came free in time."""


class _LastFirst:
    """queue.LifoQueue, which takes turns in Python, on a queue that does it in C."""

    def __init__(self, items: Iterable[Connection | None]) -> None:
        self._stack: list[Connection | None] = []
        # One for each item on the stack, put there after it and taken before it.
        self._tokens: SimpleQueue[None] = SimpleQueue()
        for item in items:
            self.put(item)

    def put(self, item: Connection | None) -> None:
        self._stack.append(item)
        self._tokens.put(None)

    def get(self, timeout: float = 0) -> Connection | None:
        """The item put last. Raises queue.Empty when none comes in so many seconds."""
        self._tokens.get(timeout=timeout)
        return self._stack.pop()

    def empty(self) -> bool:
        return self._tokens.empty()


class Connections:
    """At most `size` connections; the one used last goes out first, so that idle ones stay idle.

    `open_one` makes a connection, and raises as it likes.
    """

    def __init__(
        self, open_one: Callable[[], psycopg2.extensions.connection], size: int, timeout_s: float
    ) -> None:
        self._open_one = open_one
        self._timeout_s = timeout_s
        self._size = size
        self._free = self._unopened()

    def take(self) -> Connection:
        """A connection of the caller's own, until it is given back. Raises NoneFree."""
        try:
            free = self._free.get(timeout=self._timeout_s)
        except Empty:
            raise NoneFree from None
        if free:
            return free
        try:
            raw = self._open_one()
            raw.autocommit = True
        except BaseException:
            self._free.put(None)
            raise
        return Connection(raw)

    def give_back(self, connection: Connection) -> None:
        """Let others have it."""
        self._free.put(connection)

    def drop(self, connection: Connection) -> None:
        """Close it; a new one may take its place."""
        self._free.put(None)
        connection.raw.close()

    def is_any_free(self) -> bool:
        """Whether `take` would not have to wait."""
        return not self._free.empty()

    def forget(self) -> None:
        """Begin anew after a fork: what was open is the other process's."""
        self._free = self._unopened()

    def close(self) -> None:
        """Close those that are free; they open again when they are asked for."""
        free, self._free = self._free, self._unopened()
        while not free.empty():
            if connection := free.get():
                connection.raw.close()

    def _unopened(self) -> _LastFirst:
        return _LastFirst([None] * self._size)
