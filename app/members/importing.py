"""`users import`: places an existing user base, a few thousand users a transaction.

Each chunk is complete or not there at all, and a chunk that is there changes nothing when it comes
again: so the import may be stopped at any moment and run again. The service goes on meanwhile: a
chunk holds its users' rows, and reads its cities FOR SHARE, for a fraction of 100 ms.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import sqlalchemy
from cachetools import TTLCache
from sqlalchemy import text

from app.assignment import Place
from app.cities.service import REMEMBERED_S, Cities, UnknownCity, UnusableName
from app.db import Conflict, Database, DatabaseUnavailable
from app.members.service import JOIN_SQL
from app.members.userfile import Reject, UserRow
from app.rooms.moving import FORGET_OLD_CHANGES, LOCK_CHANGES, TRIES, in_transaction
from app.runs.service import Run
from model.predict import Model

# A city and a cluster.
Pair = tuple[int, int]

CHUNK = 2_000

# A pair's room is remembered as long as a web process would: whoever moves rooms waits for that.
REMEMBERED_PAIRS = 100_000

INCOMING = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        user_id text, city_id bigint, room_id bigint, interests text[]
    ) ON COMMIT DELETE ROWS
""")
COPY = "COPY incoming (user_id, city_id, room_id, interests) FROM STDIN WITH (FORMAT csv)"
# No signpost may be set on these cities while their rooms are made: as when POST /rooms makes one.
# In the order of ids, so that two commands never wait for each other.
HOLD_CITIES = text("""
    SELECT id FROM cities
    WHERE id IN (
        SELECT coalesce(said.merged_into, said.id)
        FROM unnest(CAST(:cities AS bigint[])) AS pair (city_id)
        JOIN cities AS said ON said.id = pair.city_id
    )
    ORDER BY id FOR SHARE
""")
PAIRS = """
    FROM unnest(CAST(:cities AS bigint[]), CAST(:clusters AS smallint[])) AS pair (city_id, cluster)
    JOIN cities AS said ON said.id = pair.city_id
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
"""
CREATE_ROOMS = text(f"""
    INSERT INTO rooms (city_id, cluster_id)
    SELECT DISTINCT coalesce(town.hub_id, town.id), pair.cluster {PAIRS}
    ORDER BY 1, 2
    ON CONFLICT (city_id, cluster_id) DO NOTHING
""")
FIND_ROOMS = text(f"""
    SELECT pair.city_id, pair.cluster, town.id, rooms.id {PAIRS}
    JOIN rooms ON rooms.city_id = coalesce(town.hub_id, town.id)
        AND rooms.cluster_id = pair.cluster
""")
# The hot statement for many at once, word for word from ON CONFLICT on; in the order of user ids,
# since two that write the same users in another order would wait for each other.
JOIN_MANY = """
    INSERT INTO memberships AS member
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    SELECT user_id, city_id, room_id, interests, :model, :now, :now, :now
    FROM incoming ORDER BY user_id
    """ + JOIN_SQL[JOIN_SQL.index("ON CONFLICT") : JOIN_SQL.index("RETURNING")]
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


@dataclass(slots=True)
class Placer:
    """What placing users takes; remembers what each typed city means, by id."""

    database: Database
    cities: Cities
    model: Model
    _meanings: dict[Place, int | str] = field(default_factory=dict)
    _rooms: TTLCache[Pair, tuple[int, int]] = field(
        default_factory=lambda: TTLCache(REMEMBERED_PAIRS, REMEMBERED_S)
    )

    def place(
        self,
        rows: Iterable[UserRow | Reject],
        run: Run,
        reject: Callable[[Reject], None],
        progress: Callable[[], None],
    ) -> None:
        """Place every user who can be; tell of every one who cannot.

        Counts read, placed, unchanged, rejected, moved and rooms_created on the run; the first is
        always the sum of the next three. Raises DatabaseUnavailable.
        """
        for chunk in chunks(rows, CHUNK):
            users: list[tuple[UserRow, int]] = []
            for row in chunk:
                run.count("read")
                refused = row if isinstance(row, Reject) else self._mean(row, users)
                if refused:
                    run.count("rejected")
                    reject(refused)
                progress()
            if users:
                self._land(users, run)
        in_transaction(self.database, lambda connection: connection.execute(FORGET_OLD_CHANGES))

    def _mean(self, user: UserRow, users: list[tuple[UserRow, int]]) -> Reject | None:
        if not self.model.known(user.interests):
            return Reject(
                user.line, user.user_id, "interests", "has none that the model knows, ticked"
            )
        meaning = self.meaning(Place(user.city, user.country, user.city_id))
        if isinstance(meaning, str):
            name = "city" if user.city_id is None else "city_id"
            return Reject(user.line, user.user_id, name, meaning)
        users.append((user, meaning))
        return None

    def meaning(self, place: Place) -> int | str:
        """The id of the city that a place means, or why it means none; each asked for once."""
        if place not in self._meanings:
            try:
                city = (
                    self.cities.resolve(place.name, place.country)
                    if place.city_id is None
                    else self.cities.by_id(place.city_id)
                )
                self._meanings[place] = city.id
            except UnusableName:
                self._meanings[place] = "must have a letter or a digit"
            except UnknownCity:
                self._meanings[place] = "is no city's id"
        return self._meanings[place]

    def _land(self, users: list[tuple[UserRow, int]], run: Run) -> None:
        clusters = predict(self.model, [user for user, _ in users]).tolist()
        pairs = [(city, cluster) for (_, city), cluster in zip(users, clusters, strict=True)]
        for _ in range(TRIES):
            rooms = self._rooms_of(set(pairs), run)
            file = io.StringIO()
            csv.writer(file).writerows(
                (user.user_id, *rooms[pair], array_literal(user.interests))
                for (user, _), pair in zip(users, pairs, strict=True)
            )
            try:
                placed, moved = in_transaction(
                    self.database, partial(_write, file, self.model.id, run.id)
                )
            except Conflict:
                # A room was merged or gathered away since its pair was looked up.
                self._rooms.clear()
                continue
            run.count("placed", placed)
            run.count("unchanged", len(users) - placed)
            run.count("moved", moved)
            return
        raise DatabaseUnavailable("the rooms of these cities are being moved")

    def _rooms_of(self, pairs: set[Pair], run: Run) -> dict[Pair, tuple[int, int]]:
        """Town and room of each pair; rooms that are not there are made."""
        known = {pair: room for pair in pairs if (room := self._rooms.get(pair))}
        missing = sorted(pairs - known.keys())
        if missing:
            given = {"cities": [city for city, _ in missing], "clusters": [c for _, c in missing]}

            def make(connection: sqlalchemy.Connection) -> tuple[int, dict[Pair, tuple[int, int]]]:
                connection.execute(HOLD_CITIES, given)
                made = connection.execute(CREATE_ROOMS, given).rowcount
                found = connection.execute(FIND_ROOMS, given)
                return made, {(row[0], row[1]): (row[2], row[3]) for row in found}

            made, found = in_transaction(self.database, make)
            run.count("rooms_created", made)
            self._rooms.update(found)
            known |= found
        return known


def _write(
    file: io.StringIO, model_id: str, run_id: int, connection: sqlalchemy.Connection
) -> tuple[int, int]:
    """Write a chunk: how many rows it changed, and how many users it moved."""
    # Before any row is held: who moves rooms takes this lock first, too.
    connection.execute(LOCK_CHANGES)
    connection.execute(INCOMING)
    file.seek(0)
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.copy_expert(COPY, file)
    given = {"model": model_id, "now": datetime.now(UTC), "run": run_id}
    placed, moved = connection.execute(JOIN_AND_TELL, given).one()
    return placed, moved


def predict(model: Model, users: Sequence[UserRow]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The clusters of users, all at once."""
    column = {key: number for number, key in enumerate(model.interests)}
    profiles = np.zeros((len(users), len(column)))
    for row, user in enumerate(users):
        for key in user.interests:
            if key in column:
                profiles[row, column[key]] = 1.0
    return model.predict_many(profiles)


def array_literal(keys: Sequence[str]) -> str:
    """A text[] as COPY reads it, each key quoted: keys may hold commas and braces."""
    escaped = (key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return "{" + ",".join([f'"{key}"' for key in escaped]) + "}"


def chunks(rows: Iterable[UserRow | Reject], size: int) -> Iterator[list[UserRow | Reject]]:
    """Rows, so many at a time."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
