"""The hot statement: puts users into rooms, whatever was before."""

import functools
import itertools
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from app.connections import Prepared
from app.db import Database
from app.together import Together


class Joining(NamedTuple):
    """Who goes where.

    `interests`: the ticked keys, each once, in code point order. `now`: the time that the request
    bears, however often it is tried.
    """

    user: str
    city: int
    room: int
    interests: list[str]
    model: str
    now: datetime


class Joined(NamedTuple):
    """Where a user is now, where they were, and whether this very statement put them there."""

    room: int
    previous_room: int | None
    joined: bool


# - It reads nothing first, so that no other request can come between: of two for one user, the one
#   committed last wins.
# - A move keeps its history here: the old row's room becomes previous_room_id. A change of profile
#   that leaves the user in the room leaves previous_room_id and joined_at alone.
# - IS DISTINCT FROM: the same city and interests again write no row (no dead tuple, no new xmin),
#   also when a newer model would say otherwise. Then RETURNING gives nothing.
# - No subquery and no now() in it: hash-distributed tables (Citus) take neither here.
INTO = """
    INSERT INTO memberships AS member
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
"""
ON_CONFLICT = """
    ON CONFLICT (user_id) DO UPDATE SET
        city_id = excluded.city_id,
        room_id = excluded.room_id,
        interests = excluded.interests,
        model_id = excluded.model_id,
        updated_at = excluded.updated_at,
        previous_room_id = CASE WHEN member.room_id = excluded.room_id
            THEN member.previous_room_id ELSE member.room_id END,
        joined_at = CASE WHEN member.room_id = excluded.room_id
            THEN member.joined_at ELSE excluded.joined_at END
    WHERE (member.city_id, member.interests)
        IS DISTINCT FROM (excluded.city_id, excluded.interests)
"""
# Whatever is written is updated now: who joined then joined by this.
RETURNING = "RETURNING user_id, room_id, previous_room_id, joined_at = updated_at"
TYPES = Joining("text", "bigint", "bigint", "text[]", "text", "timestamptz")  # type: ignore[arg-type]
# Of a group nobody shall wait long for what holds up one: it fails, and each goes alone.
IMPATIENT = "SET LOCAL lock_timeout = '50ms';"


@functools.cache
def joining(users: int = 1) -> Prepared:
    """The statement for so many users; a parameter's name ends in its user's place, from 0."""
    rows = ", ".join(
        f"(%(user{n})s, %(city{n})s, %(room{n})s, %(interests{n})s, %(model{n})s, "
        f"%(now{n})s, %(now{n})s, %(now{n})s)"
        for n in range(users)
    )
    return Prepared(
        f"join_{users}",
        f"{INTO} VALUES {rows} {ON_CONFLICT} {RETURNING}",
        {f"{name}{n}": kind for n in range(users) for name, kind in TYPES._asdict().items()},
        before=IMPATIENT if users > 1 else "",
    )


class Repeated(Exception):
    """A user stands twice in a group; no statement may meet a row twice."""


def joins(database: Database) -> Callable[[Joining], Joined | None]:
    """Puts a user into a room, in one statement with whoever asks meanwhile.

    None where city and interests are the stored ones: then nothing was written. Sending the same
    again is safe: it answers as the first would have. Raises Conflict when the room or the city is
    gone, DatabaseUnavailable.
    """

    def together(group: list[Joining]) -> list[Joined | None]:
        # Two groups that share users meet them in one order, and so never wait for each other.
        ordered = sorted(group)
        if len({one.user for one in group}) < len(group):
            raise Repeated
        statement = joining(len(group))
        given = dict(zip(statement.types, itertools.chain(*ordered), strict=True))
        rows = database.execute(statement, given)
        written = {user: Joined(*rest) for user, *rest in rows}
        return [written.get(one.user) for one in group]

    return Together(together).do
