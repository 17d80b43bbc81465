"""`users export`: everybody, streamed, in a form that `users import` takes back."""

from collections.abc import Iterator
from typing import Any

import orjson

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
EXPORT = """
    SELECT member.user_id, member.city_id, city.name, city.country_code, member.interests,
           member.room_id, rooms.cluster_id, member.created_at, member.joined_at
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS city ON city.id = member.city_id
"""
BATCH = 5_000


def export_users(database: Database) -> Iterator[tuple[Any, ...]]:
    """A row of COLUMNS for each user, through a cursor on the server: never all in memory.

    Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        with raw.cursor(name="users_export") as cursor:
            cursor.itersize = BATCH
            cursor.execute(EXPORT)
            for row in cursor:
                *before, interests, room, cluster, created, joined = row
                yield (
                    *before,
                    orjson.dumps(interests).decode(),
                    room,
                    cluster,
                    created.isoformat(),
                    joined.isoformat(),
                )
