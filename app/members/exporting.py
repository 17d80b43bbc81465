"""`users export`: everybody, streamed, in a form that `users import` takes back."""

from collections.abc import Iterator
from typing import Any

from app.db import Database

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
)
# A place that the gazetteer lacks goes by its name alone: another database numbers it otherwise.
EXPORT = """
    SELECT member.user_id, CASE WHEN city.listed THEN city.id END, city.name, city.country_code,
           member.interests, member.room_id, rooms.cluster_id, member.created_at, member.joined_at
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS city ON city.id = member.city_id
"""


def export_users(database: Database) -> Iterator[tuple[Any, ...]]:
    """A row of COLUMNS for each user.

    Raises DatabaseUnavailable.
    """
    for *place, interests, room, cluster, created, joined in database.stream(EXPORT):
        yield (*place, interests, room, cluster, created.isoformat(), joined.isoformat())
