"""Moves people when a city was merged into another or taken back, or gathered or released.

The caller has first committed the city's pointer (merged_into or hub_id). From then on no room is
created on the wrong side: creating one reads the city's row under a lock and follows the pointer.
What remains is to move the people who are there: a large room or a few small ones a transaction. A
join that races with it either commits before the room is locked, and is moved with it, or waits,
fails on its foreign key and is retried.

On Citus the lock holds on the coordinator alone, so joins at other nodes go on, and may keep a room
from being removed for as long as their lookups are used. The first sweep leaves such rooms.

A second sweep moves the people who were put into the old room by a lookup from before the pointer,
and it finds all of them, even if processes are paused or killed at any moment:

- The server refuses a join whose lookup is older than ROOM_VALID_FOR_S (members/joins.py). The
  statement holds its lock on memberships when the server compares the times, so a join by an older
  lookup has either ended when the sweep begins, or holds this lock then and is waited for.
- Imports and reassignments look rooms up and join in one transaction, which holds LOCK_CHANGES.
  The sweep begins after it has had this lock.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import sqlalchemy

from app.domain.members.empty_places import EmptyPlaces
from app.domain.moves.statements import (
    DELETE_ROOMS,
    FLATTEN,
    LOCK_ROOMS,
    MOVE,
    POINTED_ROOMS,
    REDIRECT,
    REPLACE_TOWN,
    STRAYS,
    UPDATE_REDIRECTS,
)
from app.domain.rooms.bulk_create import Pair, PairRoom, create_rooms
from app.domain.rooms.queries import COUNT_MEMBERS
from app.domain.rooms.repository import ROOM_VALID_FOR_S
from app.domain.runs.admin_runs import Run
from app.infra.database import Conflict, Database

T = TypeVar("T")

MAX_ATTEMPTS = 3
# The margin allows for a server's clock that is set back by less, at a failover for example.
CLOCK_MARGIN_S = 1.0
CACHES_EXPIRED_AFTER_S = ROOM_VALID_FOR_S + CLOCK_MARGIN_S
LOCK_TIMEOUT_S = 60
WRITERS_POLL_INTERVAL_S = 0.05
# A transaction costs as much as moving some people, on Citus hundreds: so small rooms are moved
# together. Joins of these rooms wait meanwhile. A room with more people is moved alone.
MAX_ROOMS_AT_ONCE = 200
MAX_PEOPLE_AT_ONCE = 1_000

# room_changes assigns its ids under this lock, held until the transaction ends: their order is the
# order of commits, and a reader's cursor cannot skip a row. Reads and erasures pass it. Not an
# advisory lock: any analyst could take one and stop every move. It is taken before any row lock, so
# that two commands cannot deadlock.
LOCK_CHANGES = "LOCK TABLE room_changes IN SHARE UPDATE EXCLUSIVE MODE"
# Transactions that may write members. A lock request of the command's own would hold up all joins
# that arrive after it.
WRITERS = """
    SELECT held.virtualtransaction AS id
    FROM pg_locks AS held JOIN pg_database AS here ON here.oid = held.database
    WHERE here.datname = current_database() AND held.relation = 'memberships'::regclass
      AND held.mode = 'RowExclusiveLock' AND held.granted
"""


class Group(NamedTuple):
    """People of a room who are moved together: all, or those who gave a city.

    `city`, `cluster`: the pair in whose room they should be. `said`: the city that they gave, None
    if all are moved.
    """

    room: int
    city: int
    cluster: int
    people: int
    said: int | None

    @property
    def pair(self) -> Pair:
        return self.city, self.cluster


# The room of each pair of a batch, without those whose city was removed meanwhile.
Targets = Mapping[Pair, PairRoom]


@dataclass(frozen=True, slots=True)
class Relocation:
    """One command's move of people: its run, its reason, its progress bar."""

    database: Database
    run: Run
    reason: str
    progress: Callable[[str, int], None]
    caches_expired_after_s: float = CACHES_EXPIRED_AFTER_S

    def relocate(self, towns: Sequence[int]) -> None:
        """Move everybody of some towns to where the pointers lead: at once, and once more when no
        join can use a lookup from before. Then remove the typed places that are empty now.

        Idempotent: a repeated run finishes what an interrupted one began. Raises Conflict,
        DatabaseUnavailable.
        """
        caches_expired_at = time.monotonic() + self.caches_expired_after_s
        self._sweep(towns, leaves_conflicts=True)
        self.progress("waiting for caches to expire", 0)
        time.sleep(max(0.0, caches_expired_at - time.monotonic()))
        self.progress("waiting for joins in progress", 0)
        self._wait_for_writers()
        self._sweep(towns, leaves_conflicts=False)
        EmptyPlaces(self.database).remove_all()

    def _wait_for_writers(self) -> None:
        """Wait until the transactions that may write members now have ended."""
        in_transaction(self.database, lambda connection: connection.exec_driver_sql(LOCK_CHANGES))
        given_up_at = time.monotonic() + LOCK_TIMEOUT_S
        writers = self._writers()
        while writers := writers & self._writers():
            if time.monotonic() > given_up_at:
                raise Conflict(f"a transaction has been writing members for {LOCK_TIMEOUT_S} s")
            time.sleep(WRITERS_POLL_INTERVAL_S)

    def _writers(self) -> set[str]:
        return {row.id for row in self.database.execute(WRITERS)}

    def _sweep(self, towns: Sequence[int], *, leaves_conflicts: bool) -> None:
        parameters = {"towns": list(towns)}
        rooms = self._rows(POINTED_ROOMS, parameters)
        counted = self._rows(COUNT_MEMBERS, {"rooms": [row.room for row in rooms]})
        people = {row.room_id: row.members for row in counted}
        whole = [Group(**row._asdict(), people=people.get(row.room, 0), said=None) for row in rooms]
        strays = [Group(**row._asdict(), said=row.city) for row in self._rows(STRAYS, parameters)]
        for step, groups, move in (
            ("moving rooms", whole, self._move_rooms),
            ("moving people", strays, self._move_people),
        ):
            for batch in _batches(groups):
                for _ in batch:
                    self.progress(step, len(groups))
                try:
                    _retry(partial(self._move_batch, batch, move))
                except Conflict:
                    if not leaves_conflicts:
                        raise
        in_transaction(
            self.database,
            lambda connection: connection.exec_driver_sql(UPDATE_REDIRECTS, parameters),
        )

    def _move_batch(self, batch: Sequence[Group], move: Callable[..., dict[str, int]]) -> None:
        # The rooms are created in a transaction of their own, because it locks their cities: no
        # join that creates a room there should wait for as long as people are moved. A room that
        # another command closes in between fails the move on its foreign key.
        with _transaction(self.database) as connection:
            _, targets = create_rooms(connection, {group.pair for group in batch})
        with _transaction(self.database) as connection:
            connection.exec_driver_sql(LOCK_CHANGES)
            rooms = sorted({group.room for group in batch})
            locked = set(connection.exec_driver_sql(LOCK_ROOMS, {"rooms": rooms}).scalars())
            there = [group for group in batch if group.room in locked and group.pair in targets]
            counts = move(connection, there, targets)
        for name, number in counts.items():
            self.run.count(name, number)

    def _move_rooms(
        self, connection: sqlalchemy.Connection, batch: Sequence[Group], targets: Targets
    ) -> dict[str, int]:
        """Move everybody of some rooms, and close the rooms."""
        moves = [
            (group.room, None, targets[group.pair].room_id)
            for group in batch
            if targets[group.pair].room_id != group.room
        ]
        if not moves:
            return {}
        parameters = _columns(moves, "rooms", "saids", "targets")
        people = self._move(connection, parameters)
        for statement in (FLATTEN, REDIRECT, DELETE_ROOMS):
            connection.exec_driver_sql(statement, parameters)
        return {"people_moved": people, "rooms_closed": len(moves)}

    def _move_people(
        self, connection: sqlalchemy.Connection, batch: Sequence[Group], targets: Targets
    ) -> dict[str, int]:
        """Move the people of some rooms who gave a city to where that city's people are."""
        found = [(group.room, group.said, targets[group.pair]) for group in batch]
        stay = [(room, said, into.town_id) for room, said, into in found if into.room_id == room]
        move = [(room, said, into.room_id) for room, said, into in found if into.room_id != room]
        if stay:
            parameters = _columns(stay, "rooms", "saids", "towns")
            connection.exec_driver_sql(REPLACE_TOWN, parameters)
        if not move:
            return {}
        people = self._move(connection, _columns(move, "rooms", "saids", "targets"))
        return {"people_moved": people}

    def _move(self, connection: sqlalchemy.Connection, parameters: Mapping[str, Any]) -> int:
        parameters = {**parameters, "reason": self.reason, "run": self.run.id}
        return connection.exec_driver_sql(MOVE, parameters).rowcount

    def _rows(self, statement: str, parameters: dict[str, Any]) -> Sequence[Any]:
        return in_transaction(
            self.database,
            lambda connection: connection.exec_driver_sql(statement, parameters).all(),
        )


def in_transaction(database: Database, work: Callable[[sqlalchemy.Connection], T]) -> T:
    """Run work in a transaction of its own, and retry it after a race or a deadlock.

    Raises Conflict after three attempts, NotRegistered, DatabaseUnavailable.
    """

    def attempt() -> T:
        with _transaction(database) as connection:
            return work(connection)

    return _retry(attempt)


def _retry(work: Callable[[], T]) -> T:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return work()
        except Conflict:
            if attempt == MAX_ATTEMPTS:
                raise
    raise AssertionError("the loop returns or raises")


@contextmanager
def _transaction(database: Database) -> Iterator[sqlalchemy.Connection]:
    with database.transaction() as connection:
        # The people of a large room take longer than a request's timeout allows.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # Another command's transaction may be long; a request's is not.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
        yield connection


def _batches(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Divide groups into those that one transaction moves."""
    batch: list[Group] = []
    people = 0
    for group in groups:
        people += group.people
        if batch and (len(batch) == MAX_ROOMS_AT_ONCE or people > MAX_PEOPLE_AT_ONCE):
            yield batch
            batch, people = [], group.people
        batch.append(group)
    if batch:
        yield batch


def _columns(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, list[Any]]:
    """Return the columns of rows by name."""
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
