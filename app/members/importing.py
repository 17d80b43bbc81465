"""`users import`: places an existing user base, a few thousand users a transaction.

    rows ─▶ understood   city and cluster of each; the next chunk's while this one lands
    chunk ─▶ incoming    COPY into a temporary table
    incoming ─▶ resolved    with the room of each; those that are not there are made
    resolved ─▶ memberships    one upsert, as POST /rooms does it; moves are told, counts noted

All that a chunk does, its counts in admin_runs among it, is there or none of it; and a chunk that
is there changes nothing when it comes again. So the import may be stopped at any moment and run
again. The service goes on meanwhile: what a chunk holds, it holds for a fraction of 100 ms.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from itertools import islice
from typing import Any

import sqlalchemy
from sqlalchemy import text

from app.assignment import Place
from app.cities.service import Cities
from app.db import Database
from app.members.joins import INTO, ON_CONFLICT
from app.members.understanding import Understanding, Understood
from app.members.userrow import Reject, UserRow
from app.rooms.moving import FORGET_OLD_CHANGES, LOCK_CHANGES, in_transaction
from app.runs.service import Run
from model.predict import Model

CHUNK = 2_000
# COPY takes a chunk in one piece.
COPY_BUFFER = 1 << 20

TABLES = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        user_id text, city_id bigint, cluster_id smallint, interests text[]
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS resolved (
        user_id text, town_id bigint, host_id bigint, cluster_id smallint, room_id bigint,
        interests text[]
    ) ON COMMIT DELETE ROWS
""")
COPY = "COPY incoming (user_id, city_id, cluster_id, interests) FROM STDIN"
# Both signposts are followed: the city that this one turned out to be, and the hub of its rooms.
# Each city once: so few rows are looked up by key, not joined to all 69,000.
RESOLVE = text("""
    DELETE FROM resolved;
    INSERT INTO resolved (user_id, town_id, host_id, cluster_id, room_id, interests)
    SELECT incoming.user_id, place.town_id, place.host_id, incoming.cluster_id, rooms.id,
           incoming.interests
    FROM incoming
    JOIN (
        SELECT said.id AS city_id, town.id AS town_id, coalesce(town.hub_id, town.id) AS host_id
        FROM (SELECT DISTINCT city_id FROM incoming) AS named
        JOIN cities AS said ON said.id = named.city_id
        JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    ) AS place ON place.city_id = incoming.city_id
    LEFT JOIN rooms
        ON rooms.city_id = place.host_id AND rooms.cluster_id = incoming.cluster_id
""")
# Who gave the same city and interests before stays: no room is made for the cluster that they would
# have now, after a new model shipped.
ROOMLESS = """
    FROM resolved
    WHERE room_id IS NULL AND NOT EXISTS (
        SELECT FROM memberships AS member WHERE member.user_id = resolved.user_id
        AND (member.city_id, member.interests) = (resolved.town_id, resolved.interests)
    )
"""
# No signpost may be set on these cities while their rooms are made: as when POST /rooms makes one.
# In the order of ids, so that two commands never wait for each other.
HOLD_TOWNS = text(f"""
    SELECT id FROM cities WHERE id IN (SELECT town_id {ROOMLESS}) ORDER BY id FOR SHARE
""")
CREATE_ROOMS = text(f"""
    INSERT INTO rooms (city_id, cluster_id) SELECT DISTINCT host_id, cluster_id {ROOMLESS}
    ORDER BY 1, 2
    ON CONFLICT (city_id, cluster_id) DO NOTHING
""")
ENTER_ROOMS = text("""
    UPDATE resolved SET room_id = rooms.id FROM rooms
    WHERE room_id IS NULL AND rooms.city_id = host_id AND rooms.cluster_id = resolved.cluster_id
""")
# In the order of user ids: two that write the same users in another order would wait for each
# other.
JOIN_MANY = f"""
    {INTO}
    SELECT user_id, town_id, room_id, interests, :model, :now, :now, :now
    FROM resolved WHERE room_id IS NOT NULL ORDER BY user_id COLLATE "C"
    {ON_CONFLICT}
"""
# Who came from another room, of all who were written: told the app in the same transaction.
JOIN_AND_TELL = text(f"""
    WITH written AS (
        {JOIN_MANY}
        RETURNING user_id, previous_room_id, room_id,
            joined_at = :now AND created_at < :now AS was_moved
    ), told AS (
        INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
        SELECT user_id, previous_room_id, room_id, 'import', :run FROM written WHERE was_moved
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM told)
""")


@dataclass(frozen=True, slots=True)
class Placer:
    """What placing users takes."""

    database: Database
    cities: Cities
    model: Model

    def place(
        self,
        rows: Iterable[UserRow | Reject],
        run: Run,
        reject: Callable[[Reject], None],
        progress: Callable[[int], None],
    ) -> None:
        """Place every user who can be; tell of every one who cannot.

        Counts read, placed, unchanged, rejected, moved and rooms_created on the run; the first is
        always the sum of the next three. Raises DatabaseUnavailable.
        """
        understanding = Understanding(self.model, self._find)
        # Ctrl-C is the main thread's: a chunk that is landing then lands, and is counted.
        with ThreadPoolExecutor(max_workers=1) as lander:
            landing: Future[None] | None = None
            for chunk in chunks(rows, CHUNK):
                understood = understanding.understand(chunk)
                copied = copy_text(understood)
                for refused in understood.rejects:
                    reject(refused)
                if landing:
                    landing.result()
                landing = lander.submit(self._land, understood, copied, run)
                progress(understood.read)
            if landing:
                landing.result()
        in_transaction(self.database, lambda connection: connection.execute(FORGET_OLD_CHANGES))

    def _find(self, place: Place) -> int:
        if place.city_id is not None:
            return self.cities.by_id(place.city_id).id
        return self.cities.resolve(place.name, place.country).id

    def _land(self, chunk: Understood[int], copied: str, run: Run) -> None:
        def land(connection: sqlalchemy.Connection) -> dict[str, int]:
            counts = {"read": chunk.read, "rejected": len(chunk.rejects)}
            if chunk.users:
                counts |= self._write(connection, copied, len(chunk.users), run.id)
            return run.note(connection, counts)

        run.counts = in_transaction(self.database, land)

    def _write(
        self, connection: sqlalchemy.Connection, copied: str, users: int, run_id: int
    ) -> dict[str, int]:
        # Before any row is held: who moves rooms takes this lock first, too.
        connection.execute(LOCK_CHANGES)
        connection.execute(TABLES)
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.copy_expert(COPY, StringIO(copied), COPY_BUFFER)
        rooms = _resolve(connection)
        given = {"model": self.model.id, "now": datetime.now(UTC), "run": run_id}
        placed, moved = connection.execute(JOIN_AND_TELL, given).one()
        return {
            "placed": placed,
            "unchanged": users - placed,
            "moved": moved,
            "rooms_created": rooms,
        }


def _resolve(connection: sqlalchemy.Connection) -> int:
    """Find the rooms of the incoming users, and make those that they lack; how many."""
    connection.execute(RESOLVE)
    held: set[int] = set()
    # A signpost may have been set while we waited for its city: then other towns lack a room.
    while not held >= (towns := set(connection.execute(HOLD_TOWNS).scalars())):
        held |= towns
        connection.execute(RESOLVE)
    if not held:
        return 0
    made = connection.execute(CREATE_ROOMS).rowcount
    connection.execute(ENTER_ROOMS)
    return made


def copy_text(chunk: Understood[int]) -> str:
    """A chunk's users in COPY's text format. Ids, as they were checked, need no escapes."""
    quoted = _Quoted()
    return "".join(
        [
            f"{user.user_id}\t{city}\t{cluster}\t"
            f"{{{','.join(map(quoted.__getitem__, user.interests))}}}\n"
            for user, city, cluster in zip(chunk.users, chunk.cities, chunk.clusters, strict=True)
        ]
    )


class _Quoted(dict[str, str]):
    """Interests as elements of an array in COPY's text: escaped for the one, then for the other."""

    def __missing__(self, key: str) -> str:
        element = key.replace("\\", "\\\\").replace('"', '\\"')
        self[key] = quoted = '"' + element.replace("\\", "\\\\") + '"'
        return quoted


def chunks(rows: Iterable[UserRow | Reject], size: int) -> Iterator[list[UserRow | Reject]]:
    """Rows, so many at a time."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
