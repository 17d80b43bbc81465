"""`users export`: all users, streamed, in a form that `users import` reads."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.infra.database import Database

COLUMNS = (
    "_id",
    "city_id",
    "city",
    "country",
    "interests",
    "room_id",
    "cluster",
    "created_at",
    "joined_at",
    "kind",
)
# An unlisted city is exported by its name alone, because its id differs in another database.
EXPORT = """
    SELECT member.user_id, CASE WHEN city.listed THEN city.id END AS city_id,
           city.name AS city, city.country_code AS country, member.interests, member.room_id,
           rooms.cluster_id AS cluster, member.created_at, member.joined_at,
           city.kind
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS city ON city.id = member.city_id
"""


def export_users(database: Database) -> Iterator[tuple[Any, ...]]:
    """Yield a row of COLUMNS for each user.

    Raises DatabaseUnavailable.
    """
    for user in database.stream(EXPORT):
        yield tuple(cell.isoformat() if isinstance(cell, datetime) else cell for cell in user)
