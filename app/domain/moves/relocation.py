"""Moves people when a city was merged into another, gathered into a hub, or released again.

The caller has first committed the city's pointer (merged_into or hub_id). From then on no room is
created on the wrong side: creating one reads the city's row under a lock and follows the pointer.
What remains is to move the people who are there, one room a transaction. A join that races with it
either commits before the room is locked, and is moved with it, or waits, fails on its foreign key
and is retried. Web processes cache what a name and a pair resolve to for 5 seconds; a second sweep
after that moves the people who joined by a cached answer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import sqlalchemy

from app.domain.rooms.bulk_create import create_rooms
from app.domain.runs.admin_runs import Run
from app.infra.database import Conflict, Database
from app.infra.ttl_cache import TTL_S

T = TypeVar("T")

MAX_ATTEMPTS = 3
# The caches' lifetime, and a second for a request that read them at the last moment.
CACHES_EXPIRED_AFTER_S = TTL_S + 1.0
CHANGES_KEPT_DAYS = 30
LOCK_TIMEOUT_S = 60

# Rooms whose city has a pointer: they are moved whole.
POINTED_ROOMS = """
    SELECT rooms.id FROM rooms JOIN cities ON cities.id = rooms.city_id
    WHERE rooms.city_id = ANY(%(towns)s)
      AND (cities.merged_into IS NOT NULL OR cities.hub_id IS NOT NULL)
    ORDER BY rooms.id
"""
# People in a room of a city that does not host their town, and people whose row names a merged
# city. Reads the whole table: there is no index on the city that members said.
STRAYS = """
    SELECT DISTINCT member.room_id, member.city_id AS town_id
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN city_hosts AS host ON host.city_id = member.city_id
    WHERE member.city_id = ANY(%(towns)s)
      AND (rooms.city_id <> host.host_id OR host.town_id <> host.city_id)
    ORDER BY 1, 2
"""
LOCK_ROOM = """
    SELECT city_id AS city, cluster_id AS cluster FROM rooms WHERE id = %(room)s FOR UPDATE
"""
# room_changes assigns its ids under this lock, held until the transaction ends: their order is the
# order of commits, and a reader's cursor cannot skip a row. Reads and erasures pass it. Not an
# advisory lock: any analyst could take one and stop every move. It is taken before any row lock, so
# that two commands cannot deadlock.
LOCK_CHANGES = "LOCK TABLE room_changes IN SHARE UPDATE EXCLUSIVE MODE"
MOVE = """
    WITH moved AS (
        UPDATE memberships AS member
        SET room_id = %(target)s, previous_room_id = %(room)s,
            city_id = coalesce(city.merged_into, city.id), joined_at = now(), updated_at = now()
        FROM cities AS city
        WHERE city.id = member.city_id AND member.room_id = %(room)s
          AND (%(town)s::bigint IS NULL OR member.city_id = %(town)s)
        RETURNING member.user_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, %(room)s, %(target)s, %(reason)s, %(run)s FROM moved
"""
REPLACE_TOWN = """
    UPDATE memberships SET city_id = %(into)s, updated_at = now()
    WHERE room_id = %(room)s AND city_id = %(town)s
"""
REDIRECT = """
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id)
    VALUES (%(room)s, %(city)s, %(cluster)s, %(target)s)
"""
FLATTEN = "UPDATE room_redirects SET room_id = %(target)s WHERE room_id = %(room)s"
DELETE_ROOM = "DELETE FROM rooms WHERE id = %(room)s"
# Old ids lead to the room where their city's people are now.
UPDATE_REDIRECTS = """
    UPDATE room_redirects AS old SET room_id = rooms.id
    FROM city_hosts AS host JOIN rooms ON rooms.city_id = host.host_id
    WHERE old.city_id = host.city_id AND rooms.cluster_id = old.cluster_id
      AND old.room_id <> rooms.id
      AND (host.city_id = ANY(%(towns)s) OR host.town_id = ANY(%(towns)s))
"""
DELETE_OLD_CHANGES = (
    f"DELETE FROM room_changes WHERE at < now() - interval '{CHANGES_KEPT_DAYS} days'"
)


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
        process can have the state before in its cache.

        Idempotent: a repeated run finishes what an interrupted one began. Raises
        DatabaseUnavailable.
        """
        caches_expired_at = time.monotonic() + self.caches_expired_after_s
        self._sweep(towns)
        self.progress("waiting for caches to expire", 0)
        time.sleep(max(0.0, caches_expired_at - time.monotonic()))
        self._sweep(towns)
        in_transaction(self.database, delete_old_changes)

    def _sweep(self, towns: Sequence[int]) -> None:
        parameters = {"towns": list(towns)}
        rooms = self._rows(POINTED_ROOMS, parameters)
        for row in rooms:
            self.progress("moving rooms", len(rooms))
            in_transaction(self.database, partial(self._move_room, room=row.id))
        strays = self._rows(STRAYS, parameters)
        for row in strays:
            self.progress("moving people", len(strays))
            in_transaction(
                self.database, partial(self._move_town, room=row.room_id, town=row.town_id)
            )
        in_transaction(
            self.database,
            lambda connection: connection.exec_driver_sql(UPDATE_REDIRECTS, parameters),
        )

    def _move_room(self, connection: sqlalchemy.Connection, room: int) -> None:
        locked = _lock_room(connection, room)
        if locked is None:
            return
        pair = (locked.city, locked.cluster)
        _, rooms = create_rooms(connection, [pair])
        target = rooms[pair].room_id
        if target == room:
            return
        parameters = {"room": room, "target": target, "city": pair[0], "cluster": pair[1]}
        self._move(connection, parameters | {"town": None})
        connection.exec_driver_sql(FLATTEN, parameters)
        connection.exec_driver_sql(REDIRECT, parameters)
        connection.exec_driver_sql(DELETE_ROOM, parameters)
        self.run.count("rooms_closed")

    def _move_town(self, connection: sqlalchemy.Connection, room: int, town: int) -> None:
        locked = _lock_room(connection, room)
        if locked is None:
            return
        pair = (town, locked.cluster)
        _, rooms = create_rooms(connection, [pair])
        target, into = rooms[pair].room_id, rooms[pair].town_id
        parameters = {"room": room, "target": target, "town": town, "into": into}
        if target == room:
            connection.exec_driver_sql(REPLACE_TOWN, parameters)
        else:
            self._move(connection, parameters)

    def _move(self, connection: sqlalchemy.Connection, parameters: dict[str, Any]) -> None:
        parameters = parameters | {"reason": self.reason, "run": self.run.id}
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


def delete_old_changes(connection: sqlalchemy.Connection) -> None:
    """Delete the rows of the change feed that are past their 30 days."""
    connection.exec_driver_sql(DELETE_OLD_CHANGES)


def _lock_room(connection: sqlalchemy.Connection, room: int) -> Any:
    """Lock the change feed, then a room; return its city and cluster, None if it is gone."""
    connection.exec_driver_sql(LOCK_CHANGES)
    return connection.exec_driver_sql(LOCK_ROOM, {"room": room}).one_or_none()
