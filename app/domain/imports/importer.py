"""`users import`: places an existing user base, a few thousand users a transaction.

    rows ─▶ resolved chunk       city and cluster of each row, while the chunk before is written
    chunk ─▶ incoming            COPY into a temporary table
    incoming ─▶ placed           with the room of each; missing rooms are created
    placed ─▶ memberships        one upsert, as POST /rooms does it; moves go to the change feed

A chunk and its counts in admin_runs are committed together or not at all, and a chunk that was
committed changes nothing when it comes again. So an import can be stopped at any moment and run
again. The service continues meanwhile: a chunk holds its locks for a fraction of 100 ms.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from itertools import islice
from typing import Any

import sqlalchemy

from app.domain.cities.city import Place
from app.domain.cities.repository import Cities
from app.domain.cities.tables import FIRST_UNLISTED_ID
from app.domain.imports.row_parser import Reject, UserRow
from app.domain.imports.row_resolver import ResolvedChunk, RowResolver
from app.domain.imports.shard_order import by_shard
from app.domain.members.empty_places import EmptyPlaces
from app.domain.members.joins import INSERT, ON_CONFLICT
from app.domain.moves.relocation import LOCK_CHANGES, in_transaction
from app.domain.rooms.bulk_create import Pair, create_rooms
from app.domain.runs.admin_runs import Run
from app.infra.database import Database
from model.predict import Model

CHUNK_SIZE = 2_000
# A chunk is one read of COPY.
COPY_BUFFER_BYTES = 1 << 20

CREATE_TABLES = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        user_id text, city_id bigint, cluster_id smallint, interests text[]
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS placed (
        user_id text, town_id bigint, said_city_id bigint, cluster_id smallint, room_id bigint,
        interests text[]
    ) ON COMMIT DELETE ROWS
"""
COPY = "COPY incoming (user_id, city_id, cluster_id, interests) FROM STDIN"
# A typed place is removed with its last member. Those of a chunk are kept until its commit.
KEEP_PLACES = f"""
    SELECT id FROM cities
    WHERE id IN (SELECT city_id FROM incoming WHERE city_id >= {FIRST_UNLISTED_ID})
    ORDER BY id FOR KEY SHARE
"""
# Each city once: so few rows are looked up by key instead of a join with all 69,000.
PLACE = """
    DELETE FROM placed;
    INSERT INTO placed (user_id, town_id, said_city_id, cluster_id, room_id, interests)
    SELECT incoming.user_id, host.town_id, nullif(host.city_id, host.town_id), incoming.cluster_id,
           rooms.id, incoming.interests
    FROM incoming
    JOIN (
        SELECT host.city_id, host.town_id, host.host_id
        FROM (SELECT DISTINCT city_id FROM incoming) AS city
        JOIN city_hosts AS host ON host.city_id = city.city_id
    ) AS host ON host.city_id = incoming.city_id
    LEFT JOIN rooms ON rooms.city_id = host.host_id AND rooms.cluster_id = incoming.cluster_id
"""
FIND_ROOMLESS = """
    SELECT user_id, town_id, cluster_id, interests FROM placed WHERE room_id IS NULL
"""
# By constants, of which Citus sees in which shards they are.
FIND_STORED = """
    SELECT user_id, city_id, interests FROM memberships WHERE user_id = ANY(%(users)s)
"""
# Ordered by user id: two writers of the same users lock them in one order and cannot deadlock.
JOIN = f"""
    {INSERT}
    SELECT user_id, town_id, said_city_id, room_id, interests, %(model)s, %(now)s, %(now)s, %(now)s
    FROM placed WHERE room_id IS NOT NULL ORDER BY user_id COLLATE "C"
    {ON_CONFLICT}
"""
# A user who was in another room is a move that the app did not request: it goes to the change feed.
# Only a row that this statement moved has both its time and a room before. Times are not ordered:
# created_at may be from a machine whose clock is ahead.
JOIN_AND_RECORD_MOVES = f"""
    WITH written AS (
        {JOIN}
        RETURNING user_id, previous_room_id, room_id,
            joined_at = %(now)s AND previous_room_id IS NOT NULL AS was_moved
    ), moved AS (
        INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
        SELECT user_id, previous_room_id, room_id, 'import', %(run)s FROM written WHERE was_moved
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS placed, (SELECT count(*) FROM moved) AS moved
"""


class PlacesRemoved(Exception):
    """Cities of a chunk were removed, with the last users who had typed them."""

    def __init__(self, city_ids: set[int]) -> None:
        super().__init__(city_ids)
        self.city_ids = city_ids


@dataclass(frozen=True, slots=True)
class Importer:
    """Places the users of a file."""

    database: Database
    cities: Cities
    model: Model

    def run(
        self,
        rows: Iterable[UserRow | Reject],
        run: Run,
        reject: Callable[[Reject], None],
        progress: Callable[[int], None],
    ) -> Counter[str]:
        """Place every valid row and pass each other one to `reject`.

        Return the users by key that the model lacks, which is stored as POST /rooms stores it.

        Counts read, placed, unchanged, rejected, moved and rooms_created on the run; the first is
        always the sum of the next three. Raises DatabaseUnavailable, UnreadableFile.
        """
        resolver = RowResolver(self.model, self._find_city)

        def resolve_all() -> Iterator[ResolvedChunk[int]]:
            for rows_of_chunk in chunks(rows, CHUNK_SIZE):
                chunk = resolver.resolve(rows_of_chunk)
                for rejected in chunk.rejects:
                    reject(rejected)
                yield chunk

        def finish(written: Future[None], chunk: ResolvedChunk[int]) -> None:
            try:
                written.result()
            except PlacesRemoved as removed:
                self.cities.clear_cache()
                resolver.forget(removed.city_ids)
                counted = resolver.unknown_interests.copy()
                again = resolver.resolve([*chunk.users, *chunk.rejects])
                resolver.unknown_interests = counted
                for rejected in sorted(set(again.rejects).difference(chunk.rejects)):
                    reject(rejected)
                finish(writer.submit(self._write, again, copy_text(again), run), again)

        # Ctrl-C interrupts the main thread only: a chunk being written is committed and counted.
        with ThreadPoolExecutor(max_workers=1) as writer:
            last: tuple[Future[None], ResolvedChunk[int]] | None = None
            for chunk in by_shard(self.database, resolve_all()):
                copy_input = copy_text(chunk)
                if last:
                    finish(*last)
                last = writer.submit(self._write, chunk, copy_input, run), chunk
                progress(chunk.read)
            if last:
                finish(*last)
        EmptyPlaces(self.database).remove_all()
        return resolver.unknown_interests

    def _find_city(self, place: Place) -> int:
        return self.cities.locate(place).said_id

    def _write(self, chunk: ResolvedChunk[int], copy_input: str, run: Run) -> None:
        def write(connection: sqlalchemy.Connection) -> dict[str, int]:
            counts = {"read": chunk.read, "rejected": len(chunk.rejects)}
            if chunk.users:
                counts |= self._join(connection, copy_input, chunk.cities, run.id)
            return run.add_counts(connection, counts)

        run.counts = in_transaction(self.database, write)

    def _join(
        self, connection: sqlalchemy.Connection, copy_input: str, cities: list[int], run_id: int
    ) -> dict[str, int]:
        # Before any row lock, as in every command that moves people.
        connection.exec_driver_sql(LOCK_CHANGES)
        connection.exec_driver_sql(CREATE_TABLES)
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.copy_expert(COPY, StringIO(copy_input), COPY_BUFFER_BYTES)
        kept = {row.id for row in connection.exec_driver_sql(KEEP_PLACES)}
        if removed := {city for city in cities if city >= FIRST_UNLISTED_ID} - kept:
            raise PlacesRemoved(removed)
        rooms_created = _find_or_create_rooms(connection)
        parameters = {"model": self.model.id, "now": datetime.now(UTC), "run": run_id}
        result = connection.exec_driver_sql(JOIN_AND_RECORD_MOVES, parameters).one()
        return {
            "placed": result.placed,
            "unchanged": len(cities) - result.placed,
            "moved": result.moved,
            "rooms_created": rooms_created,
        }


def _find_or_create_rooms(connection: sqlalchemy.Connection) -> int:
    """Give the incoming users their rooms; return how many rooms were created."""
    created = 0
    connection.exec_driver_sql(PLACE)
    # Creating a room may wait for a merge or gather, after which other towns can lack a room.
    while missing := _missing_rooms(connection):
        created += create_rooms(connection, sorted(missing))[0]
        connection.exec_driver_sql(PLACE)
    return created


def _missing_rooms(connection: sqlalchemy.Connection) -> set[Pair]:
    """Return the pairs whose rooms the incoming users need.

    A user with the same city and interests as before stays, and needs no room for the cluster that
    a new model would choose.
    """
    roomless = connection.exec_driver_sql(FIND_ROOMLESS).all()
    if not roomless:
        return set()
    users = {"users": [row.user_id for row in roomless]}
    stored = {
        row.user_id: (row.city_id, row.interests)
        for row in connection.exec_driver_sql(FIND_STORED, users)
    }
    return {
        (row.town_id, row.cluster_id)
        for row in roomless
        if stored.get(row.user_id) != (row.town_id, row.interests)
    }


def copy_text(chunk: ResolvedChunk[int]) -> str:
    """Return a chunk's users in COPY's text format. Validated ids need no escapes."""
    quoted = _QuotedInterests()
    return "".join(
        [
            f"{user.user_id}\t{city}\t{cluster}\t"
            f"{{{','.join(map(quoted.__getitem__, user.interests))}}}\n"
            for user, city, cluster in zip(chunk.users, chunk.cities, chunk.clusters, strict=True)
        ]
    )


class _QuotedInterests(dict[str, str]):
    """Interests as array elements in COPY's text format: escaped for the array, then for COPY."""

    def __missing__(self, key: str) -> str:
        element = key.replace("\\", "\\\\").replace('"', '\\"')
        self[key] = quoted = '"' + element.replace("\\", "\\\\") + '"'
        return quoted


def chunks(rows: Iterable[UserRow | Reject], size: int) -> Iterator[list[UserRow | Reject]]:
    """Yield rows in lists of up to `size`."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
