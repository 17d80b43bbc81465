"""The feed of moves that the app did not request: GET /changes."""

from dataclasses import dataclass
from datetime import datetime

from app.infra.database import Database


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
LIST = """
    SELECT id, user_id, from_room, to_room, reason, at FROM room_changes
    WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
"""


def list_changes(database: Database, after: int, limit: int) -> list[Change]:
    """Return the moves after a cursor, in the order of their commits.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(LIST, {"after": after, "limit": limit})
    return [Change(**row._asdict()) for row in rows]
