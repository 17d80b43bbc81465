"""Moves people when a city was merged into another or taken back, or gathered or released.

The caller has first committed the city's pointer (merged_into or hub_id). From then on no room is
created on the wrong side: creating one reads the city's row under a lock and follows the pointer.
What remains is to move the people who are there: a large room or a few small ones a transaction. A
join that races with it either commits before the room is locked, and is moved with it, or waits,
fails on its foreign key and is retried.

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
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import sqlalchemy

from app.domain.members.empty_places import EmptyPlaces
from app.domain.rooms.bulk_create import create_rooms
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
MAX_ROOMS_AT_ONCE = 50
MAX_PEOPLE_AT_ONCE = 500

# Rooms whose city has a pointer: they are moved whole.
POINTED_ROOMS = """
    SELECT rooms.id AS room FROM rooms JOIN cities ON cities.id = rooms.city_id
    WHERE rooms.city_id = ANY(%(towns)s)
      AND (cities.merged_into IS NOT NULL OR cities.hub_id IS NOT NULL)
    ORDER BY rooms.id
"""
COUNT_PEOPLE = """
    SELECT room_id AS room, count(*) AS people FROM memberships
    WHERE room_id = ANY(%(rooms)s) GROUP BY room_id
"""
# The city that a member gave, merged or not.
SAID = "coalesce(member.said_city_id, member.city_id)"
# People in a room of a city that does not host the city that they gave, and people whose row has
# another town than that city is now. Reads the whole table: no index has the city.
STRAYS = f"""
    SELECT member.room_id AS room, {SAID} AS said, count(*) AS people
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN city_hosts AS host ON host.city_id = {SAID}
    WHERE (member.city_id = ANY(%(towns)s) OR member.said_city_id = ANY(%(towns)s))
      AND (rooms.city_id <> host.host_id OR host.town_id <> member.city_id)
    GROUP BY 1, 2 ORDER BY 1, 2
"""
# In the order of ids: two commands cannot deadlock over rooms.
LOCK_ROOMS = """
    SELECT id, city_id AS city, cluster_id AS cluster FROM rooms WHERE id = ANY(%(rooms)s)
    ORDER BY id FOR UPDATE
"""
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
MOVED = """
    unnest(%(rooms)s::bigint[], %(saids)s::bigint[], %(targets)s::bigint[])
        AS planned (room_id, said_id, target_id)
"""
# The subquery: a member whose merged city is gone moves with the room too.
MOVE = f"""
    WITH moved AS (
        UPDATE memberships AS member
        SET room_id = planned.target_id, previous_room_id = planned.room_id,
            city_id = coalesce(city.merged_into, city.id),
            said_city_id = CASE WHEN city.merged_into IS NOT NULL THEN city.id END,
            joined_at = now(), updated_at = now()
        FROM {MOVED}, cities AS city
        WHERE member.room_id = planned.room_id
          AND city.id = coalesce((SELECT said.id FROM cities AS said
                                  WHERE said.id = member.said_city_id), member.city_id)
          AND (planned.said_id IS NULL OR {SAID} = planned.said_id)
        RETURNING member.user_id, planned.room_id, planned.target_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, room_id, target_id, %(reason)s, %(run)s FROM moved
"""
REPLACE_TOWN = f"""
    UPDATE memberships AS member
    SET city_id = planned.town_id, said_city_id = nullif({SAID}, planned.town_id),
        updated_at = now()
    FROM unnest(%(rooms)s::bigint[], %(saids)s::bigint[], %(towns)s::bigint[])
        AS planned (room_id, said_id, town_id)
    WHERE member.room_id = planned.room_id AND {SAID} = planned.said_id
"""
FLATTEN = f"""
    UPDATE room_redirects AS old SET room_id = planned.target_id FROM {MOVED}
    WHERE old.room_id = planned.room_id
"""
REDIRECT = f"""
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id)
    SELECT rooms.id, rooms.city_id, rooms.cluster_id, planned.target_id
    FROM {MOVED} JOIN rooms ON rooms.id = planned.room_id
"""
DELETE_ROOMS = "DELETE FROM rooms WHERE id = ANY(%(rooms)s)"
# Old ids lead to the room where their city's people are now.
UPDATE_REDIRECTS = """
    UPDATE room_redirects AS old SET room_id = rooms.id
    FROM city_hosts AS host JOIN rooms ON rooms.city_id = host.host_id
    WHERE old.city_id = host.city_id AND rooms.cluster_id = old.cluster_id
      AND old.room_id <> rooms.id
      AND (host.city_id = ANY(%(towns)s) OR host.town_id = ANY(%(towns)s))
"""


class Group(NamedTuple):
    """People of a room who are moved together: those who gave a city, or all (None)."""

    room: int
    said: int | None
    people: int


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
        self._sweep(towns)
        self.progress("waiting for caches to expire", 0)
        time.sleep(max(0.0, caches_expired_at - time.monotonic()))
        self.progress("waiting for joins in progress", 0)
        self._wait_for_writers()
        self._sweep(towns)
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

    def _sweep(self, towns: Sequence[int]) -> None:
        parameters = {"towns": list(towns)}
        rooms = [row.room for row in self._rows(POINTED_ROOMS, parameters)]
        people = {row.room: row.people for row in self._rows(COUNT_PEOPLE, {"rooms": rooms})}
        whole = [Group(room, None, people.get(room, 0)) for room in rooms]
        strays = [Group(**row._asdict()) for row in self._rows(STRAYS, parameters)]
        for step, groups, move in (
            ("moving rooms", whole, self._move_rooms),
            ("moving people", strays, self._move_people),
        ):
            for batch in _batches(groups):
                in_transaction(self.database, partial(move, batch))
                for _ in batch:
                    self.progress(step, len(groups))
        in_transaction(
            self.database,
            lambda connection: connection.exec_driver_sql(UPDATE_REDIRECTS, parameters),
        )

    def _move_rooms(self, batch: Sequence[Group], connection: sqlalchemy.Connection) -> None:
        """Move everybody of some rooms, and close the rooms."""
        pairs = _lock_rooms(connection, batch)
        _, rooms = create_rooms(connection, set(pairs.values()))
        moves = [
            (room, None, rooms[pair].room_id)
            for room, pair in pairs.items()
            if rooms[pair].room_id != room
        ]
        if not moves:
            return
        parameters = _columns(moves, "rooms", "saids", "targets")
        self._move(connection, parameters)
        for statement in (FLATTEN, REDIRECT, DELETE_ROOMS):
            connection.exec_driver_sql(statement, parameters)
        self.run.count("rooms_closed", len(moves))

    def _move_people(self, batch: Sequence[Group], connection: sqlalchemy.Connection) -> None:
        """Move the people of some rooms who gave a city to where that city's people are."""
        locked = _lock_rooms(connection, batch)
        pairs = {
            (group.room, group.said): (group.said, locked[group.room][1])
            for group in batch
            if group.said is not None and group.room in locked
        }
        _, rooms = create_rooms(connection, set(pairs.values()))
        # Without the towns that were removed with their last member.
        found = [(*group, rooms[pair]) for group, pair in pairs.items() if pair in rooms]
        stay = [(room, said, into.town_id) for room, said, into in found if into.room_id == room]
        move = [(room, said, into.room_id) for room, said, into in found if into.room_id != room]
        if stay:
            parameters = _columns(stay, "rooms", "saids", "towns")
            connection.exec_driver_sql(REPLACE_TOWN, parameters)
        if move:
            self._move(connection, _columns(move, "rooms", "saids", "targets"))

    def _move(self, connection: sqlalchemy.Connection, parameters: Mapping[str, Any]) -> None:
        parameters = {**parameters, "reason": self.reason, "run": self.run.id}
        moved = connection.exec_driver_sql(MOVE, parameters)
        self.run.count("people_moved", moved.rowcount)

    def _rows(self, statement: str, parameters: dict[str, Any]) -> Sequence[Any]:
        return in_transaction(
            self.database,
            lambda connection: connection.exec_driver_sql(statement, parameters).all(),
        )


def in_transaction(database: Database, work: Callable[[sqlalchemy.Connection], T]) -> T:
    """Run work in a transaction of its own, and retry it after a race or a deadlock.

    Raises Conflict after three attempts, NotRegistered, DatabaseUnavailable.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with database.transaction() as connection:
                # The people of a large room take longer than a request's timeout allows.
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                # Another command's transaction may be long; a request's is not.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
                return work(connection)
        except Conflict:
            if attempt == MAX_ATTEMPTS:
                raise
    raise AssertionError("the loop returns or raises")


def _lock_rooms(
    connection: sqlalchemy.Connection, batch: Sequence[Group]
) -> dict[int, tuple[int, int]]:
    """Lock the change feed, then rooms; return the city and cluster of each that is still there."""
    connection.exec_driver_sql(LOCK_CHANGES)
    rooms = sorted({group.room for group in batch})
    locked = connection.exec_driver_sql(LOCK_ROOMS, {"rooms": rooms})
    return {row.id: (row.city, row.cluster) for row in locked}


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
