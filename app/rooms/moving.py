"""Moves people when a city turns out to be another, or shares another's rooms, or no longer does.

Whoever calls has first committed the signpost (merged_into or hub_id). From then on no room is
created on the wrong side: creating one reads the city row FOR SHARE and follows it. What is left is
to bring those over who are there, one room a transaction: a join that races with it either lands
before the room is locked, and is moved with it, or waits, and then fails on its foreign key and
tries again. Web processes remember what a name and a pair resolve to for 5 seconds at the most; a
second sweep after that brings over who came by memory.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import text

from app.db import Conflict, Database
from app.remembering import REMEMBERED_S
from app.runs.service import Run

T = TypeVar("T")

TRIES = 3
# Memory is 5 s; a request that read it at the last moment is through a second later.
SETTLED_AFTER_S = REMEMBERED_S + 1.0
KEPT_DAYS = 30
LOCK_TIMEOUT_S = 60

# Rooms whose city has a signpost: they go, whole.
SIGNPOSTED_ROOMS = text("""
    SELECT rooms.id FROM rooms JOIN cities ON cities.id = rooms.city_id
    WHERE rooms.city_id = ANY(:towns)
      AND (cities.merged_into IS NOT NULL OR cities.hub_id IS NOT NULL)
    ORDER BY rooms.id
""")
# People in a room of another city than the one that hosts their town now, and people whose row
# still names a merged city. Reads the whole table: members of a city have no index of their own.
STRAYS = text("""
    SELECT DISTINCT member.room_id, member.city_id
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS said ON said.id = member.city_id
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    WHERE member.city_id = ANY(:towns)
      AND (rooms.city_id <> coalesce(town.hub_id, town.id) OR said.merged_into IS NOT NULL)
    ORDER BY 1, 2
""")
LOCK_ROOM = text("SELECT city_id, cluster_id FROM rooms WHERE id = :room FOR UPDATE")
# As in app/rooms/service.py, inside a transaction: the signposts stay as they are until its end.
CREATE_TARGET = text("""
    INSERT INTO rooms (city_id, cluster_id)
    SELECT coalesce(town.hub_id, town.id), :cluster
    FROM cities AS said JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    WHERE said.id = :city
    FOR SHARE
    ON CONFLICT (city_id, cluster_id) DO NOTHING
""")
FIND_TARGET = text("""
    SELECT rooms.id, town.id
    FROM cities AS said JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    JOIN rooms ON rooms.city_id = coalesce(town.hub_id, town.id) AND rooms.cluster_id = :cluster
    WHERE said.id = :city
""")
# Numbers of room_changes are handed out under this lock until the transaction ends, so that their
# order is the order of commits, and a reader's cursor can skip none. Readers and erasure pass it.
# Not an advisory lock: any analyst could take one and stop every move. Taken before any row: two
# commands cannot hold what the other waits for.
LOCK_CHANGES = text("LOCK TABLE room_changes IN SHARE UPDATE EXCLUSIVE MODE")
MOVE = """
    WITH moved AS (
        UPDATE memberships AS member
        SET room_id = :target, previous_room_id = :room,
            city_id = coalesce(said.merged_into, said.id), joined_at = now(), updated_at = now()
        FROM cities AS said
        WHERE said.id = member.city_id AND member.room_id = :room {only}
        RETURNING member.user_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, :room, :target, :reason, :run FROM moved
"""
MOVE_ALL = text(MOVE.format(only=""))
MOVE_TOWN = text(MOVE.format(only="AND member.city_id = :town"))
RENAME_TOWN = text("""
    UPDATE memberships SET city_id = :into, updated_at = now()
    WHERE room_id = :room AND city_id = :town
""")
REDIRECT = text("""
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id)
    VALUES (:room, :city, :cluster, :target)
""")
FLATTEN = text("UPDATE room_redirects SET room_id = :target WHERE room_id = :room")
DELETE_ROOM = text("DELETE FROM rooms WHERE id = :room")
# Old ids lead to where their city's people are now.
REPOINT = text("""
    UPDATE room_redirects AS old SET room_id = rooms.id
    FROM cities AS said
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    JOIN rooms ON rooms.city_id = coalesce(town.hub_id, town.id)
    WHERE old.city_id = said.id AND rooms.cluster_id = old.cluster_id
      AND old.room_id <> rooms.id AND (said.id = ANY(:towns) OR town.id = ANY(:towns))
""")
FORGET_OLD_CHANGES = text(
    f"DELETE FROM room_changes WHERE at < now() - interval '{KEPT_DAYS} days'"
)


@dataclass(frozen=True, slots=True)
class Move:
    """Why people are moved, by which run, and whom to tell how far it is."""

    database: Database
    run: Run
    reason: str
    progress: Callable[[str, int], None]
    settled_after_s: float = SETTLED_AFTER_S

    def settle(self, towns: Sequence[int]) -> None:
        """Bring everybody of these towns to where the signposts say, now and once more when no
        process can remember what was before.

        Idempotent: what was interrupted is finished by running it again. Raises
        DatabaseUnavailable.
        """
        settled_at = time.monotonic() + self.settled_after_s
        self._sweep(towns)
        self.progress("waiting until no process remembers what was before", 0)
        time.sleep(max(0.0, settled_at - time.monotonic()))
        self._sweep(towns)
        self._in_transaction(lambda connection: connection.execute(FORGET_OLD_CHANGES))

    def _sweep(self, towns: Sequence[int]) -> None:
        given = {"towns": list(towns)}
        rooms = self._in_transaction(lambda c: c.execute(SIGNPOSTED_ROOMS, given).scalars().all())
        for room in rooms:
            self.progress("moving rooms", len(rooms))
            self._in_transaction(partial(self._move_room, room=room))
        strays = self._in_transaction(lambda c: c.execute(STRAYS, given).all())
        for room, town in strays:
            self.progress("moving people", len(strays))
            self._in_transaction(partial(self._move_town, room=room, town=town))
        self._in_transaction(lambda connection: connection.execute(REPOINT, given))

    def _move_room(self, connection: sqlalchemy.Connection, room: int) -> None:
        connection.execute(LOCK_CHANGES)
        locked = connection.execute(LOCK_ROOM, {"room": room}).one_or_none()
        if locked is None:
            return
        city, cluster = locked
        target, _ = _target(connection, city, cluster)
        if target == room:
            return
        given = {"room": room, "target": target, "city": city, "cluster": cluster}
        self._record(connection, MOVE_ALL, given)
        connection.execute(FLATTEN, given)
        connection.execute(REDIRECT, given)
        connection.execute(DELETE_ROOM, given)
        self.run.count("rooms_closed")

    def _move_town(self, connection: sqlalchemy.Connection, room: int, town: int) -> None:
        connection.execute(LOCK_CHANGES)
        locked = connection.execute(LOCK_ROOM, {"room": room}).one_or_none()
        if locked is None:
            return
        target, into = _target(connection, town, locked.cluster_id)
        given = {"room": room, "target": target, "town": town, "into": into}
        if target == room:
            connection.execute(RENAME_TOWN, given)
        else:
            self._record(connection, MOVE_TOWN, given)

    def _record(
        self, connection: sqlalchemy.Connection, move: sqlalchemy.TextClause, given: dict[str, Any]
    ) -> None:
        moved = connection.execute(move, given | {"reason": self.reason, "run": self.run.id})
        self.run.count("people_moved", moved.rowcount)

    def _in_transaction(self, work: Callable[[sqlalchemy.Connection], T]) -> T:
        return in_transaction(self.database, work)


def in_transaction(database: Database, work: Callable[[sqlalchemy.Connection], T]) -> T:
    """Run work in a transaction of its own, again when it and a join waited for each other.

    Raises Conflict when it did so three times, DatabaseUnavailable.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with database.transaction() as connection:
                # People in a large room are more than a request's time limit allows for.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                # Another command's transaction is waited for; a request's is over long before.
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
                return work(connection)
        except Conflict:
            if attempt == TRIES:
                raise
    raise AssertionError("the loop returns or raises")


def _target(connection: sqlalchemy.Connection, city: int, cluster: int) -> tuple[int, int]:
    """The room that a town's people of a cluster belong in, and what the town is now."""
    given = {"city": city, "cluster": cluster}
    connection.execute(CREATE_TARGET, given)
    room, town = connection.execute(FIND_TARGET, given).one()
    return room, town
