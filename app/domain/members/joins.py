"""The hot statement: puts users into rooms, whatever their room was before."""

import functools
import itertools
from datetime import datetime
from typing import NamedTuple

from app.infra.database import Database, PreparedStatement


class Join(NamedTuple):
    """One user's join.

    `said_city_id`: the city that the user gave, if it was merged into `city_id`; otherwise the
    same. `interests`: keys, each once, in code point order. `now`: the request's. `valid_until`:
    the server's time after which the room is refused.
    """

    user_id: str
    city_id: int
    said_city_id: int
    room_id: int
    interests: list[str]
    model_id: str
    now: datetime
    valid_until: datetime


class JoinResult(NamedTuple):
    """The user's room, the one before it, and whether this statement put the user there."""

    room_id: int
    previous_room_id: int | None
    joined: bool


# - It reads nothing first, so no other request can come between. Of two requests for one user, the
#   one committed last wins.
# - A move keeps its history: the old row's room becomes previous_room_id. A new profile that leaves
#   the user in the room leaves previous_room_id and joined_at alone.
# - IS DISTINCT FROM: an unchanged city and profile write no row (no dead tuple), even if a newer
#   model would choose another room. RETURNING then yields nothing. Another name of the same city,
#   which was merged into it, is stored and moves nobody.
# - A room that was looked up too long ago becomes room 0, which does not exist: the foreign key
#   refuses it. The server decides, when it already holds its lock on the table, so a process may
#   pause between lookup and join for any time: see moves/relocation.py.
# - No subquery, and no now() in RETURNING: Citus accepts neither for a distributed table.
INSERT = """
    INSERT INTO memberships AS member
        (user_id, city_id, said_city_id, room_id, interests, model_id, created_at, joined_at,
         updated_at)
"""
IS_SAME = "(member.city_id, member.interests) = (excluded.city_id, excluded.interests)"
STAYS = f"(member.room_id = excluded.room_id OR {IS_SAME})"
ON_CONFLICT = f"""
    ON CONFLICT (user_id) DO UPDATE SET
        city_id = excluded.city_id,
        said_city_id = excluded.said_city_id,
        room_id = CASE WHEN {STAYS} THEN member.room_id ELSE excluded.room_id END,
        interests = excluded.interests,
        model_id = CASE WHEN {IS_SAME} THEN member.model_id ELSE excluded.model_id END,
        updated_at = excluded.updated_at,
        previous_room_id = CASE WHEN {STAYS} THEN member.previous_room_id ELSE member.room_id END,
        joined_at = CASE WHEN {STAYS} THEN member.joined_at ELSE excluded.joined_at END
    WHERE (member.city_id, member.interests, member.said_city_id)
        IS DISTINCT FROM (excluded.city_id, excluded.interests, excluded.said_city_id)
"""
# updated_at is the statement's own time, so a user whose joined_at equals it joined just now.
RETURNING = """
    RETURNING user_id, room_id, previous_room_id, joined_at = updated_at AS joined
"""
# Of the fields of Join.
TYPES = ("text", "bigint", "bigint", "bigint", "text[]", "text", "timestamptz", "timestamptz")
# Short lock timeout: if one row is locked, the batch fails and each user is retried alone.
BATCH_LOCK_TIMEOUT = "lock_timeout = '50ms'"


@functools.cache
def join_statement(users: int = 1) -> PreparedStatement:
    """Return the statement for a number of users; a parameter's name ends in its user's index."""
    rows = ", ".join(
        f"(%(user_id{n})s, %(city_id{n})s, nullif(%(said_city_id{n})s, %(city_id{n})s), "
        f"CASE WHEN clock_timestamp() < %(valid_until{n})s THEN %(room_id{n})s ELSE 0 END, "
        f"%(interests{n})s, %(model_id{n})s, %(now{n})s, %(now{n})s, %(now{n})s)"
        for n in range(users)
    )
    return PreparedStatement(
        f"join_{users}",
        f"{INSERT} VALUES {rows} {ON_CONFLICT} {RETURNING}",
        {
            f"{name}{n}": kind
            for n in range(users)
            for name, kind in zip(Join._fields, TYPES, strict=True)
        },
    )


def _literals(join: Join) -> tuple[str | int, ...]:
    """Return the fields as PostgreSQL writes them; psycopg2 takes five times as long for these."""
    quoted = (key.replace("\\", "\\\\").replace('"', '\\"') for key in join.interests)
    return (
        *join[:4],
        "{" + ",".join(f'"{key}"' for key in quoted) + "}",
        join.model_id,
        join.now.isoformat(),
        join.valid_until.isoformat(),
    )


class DuplicateUser(Exception):
    """A user occurs twice in a batch; ON CONFLICT cannot update a row twice."""


def join_batch(database: Database, batch: list[Join]) -> list[JoinResult | None]:
    """Put users into rooms in one statement; return their results in order.

    A result is None where city and interests are the stored ones: nothing was written. Repeating a
    join is safe. Raises DuplicateUser, Conflict when a room or a city is gone or a room was looked
    up too long ago, NotRegistered, LockTimeout, DatabaseUnavailable.
    """
    # Batches that share users lock them in one order and cannot deadlock.
    ordered = sorted(batch)
    if len({join.user_id for join in batch}) < len(batch):
        raise DuplicateUser
    statement = join_statement(len(batch))
    values = itertools.chain.from_iterable(map(_literals, ordered))
    parameters = dict(zip(statement.types, values, strict=True))
    rows = database.execute(statement, parameters, BATCH_LOCK_TIMEOUT if len(batch) > 1 else "")
    written = {
        row.user_id: JoinResult(row.room_id, row.previous_room_id, row.joined) for row in rows
    }
    return [written.get(join.user_id) for join in batch]
