"""The feed of moves that the app did not request: GET /changes."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.members.repository import MOVES_KEPT_SINCE
from app.infra.database import Database

# A statement deletes so many in about 10 ms; an erasure may wait for it.
MAX_ROWS_DELETED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """A user's move; `id` is a reader's cursor."""

    id: int
    user_id: str
    from_room: int
    to_room: int
    reason: str
    at: datetime


# Ids are in the order of commits, so a cursor cannot skip a row: see relocation.LOCK_CHANGES.
LIST = f"""
    SELECT id, user_id, from_room, to_room, reason, at FROM room_changes
    WHERE id > %(after)s AND at >= {MOVES_KEPT_SINCE} ORDER BY id LIMIT %(limit)s
"""
# SKIP LOCKED: it never waits for a lock, so it cannot deadlock with an erasure or another process.
DELETE_OLD = f"""
    WITH deleted AS (
        DELETE FROM room_changes WHERE id IN (
            SELECT id FROM room_changes WHERE at < {MOVES_KEPT_SINCE}
            ORDER BY at LIMIT {MAX_ROWS_DELETED_AT_ONCE} FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
    )
    SELECT count(*) AS rows FROM deleted
"""


def list_changes(database: Database, after: int, limit: int) -> list[Change]:
    """Return the moves after a cursor, in the order of their commits.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(LIST, {"after": after, "limit": limit})
    return [Change(**row._asdict()) for row in rows]


def delete_old_changes(database: Database) -> None:
    """Delete the moves that are past their 30 days, in small transactions.

    Raises DatabaseUnavailable.
    """
    while database.execute(DELETE_OLD)[0].rows == MAX_ROWS_DELETED_AT_ONCE:
        pass
