"""Joins users to rooms, and reads and erases what is stored about a user."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import NamedTuple

from app.domain.cities.city import City, city_from_row, split_city
from app.domain.members.empty_places import EmptyPlaces
from app.domain.members.joins import Join, JoinResult, join_batch
from app.infra.batcher import Batcher
from app.infra.database import Database, DatabaseUnavailable, PreparedStatement


class UnknownUser(Exception):
    """No user has this id."""


class Placement(NamedTuple):
    """A user's room. `joined`: this request put the user there. `hub`: the city whose room it is,
    where that is another city."""

    room_id: int
    previous_room_id: int | None
    joined: bool
    cluster: int
    hub: City | None


@dataclass(frozen=True, slots=True)
class Move:
    """A move that the app did not request."""

    from_room: int
    to_room: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserRecord:
    """All that is stored about a user."""

    user_id: str
    room_id: int
    previous_room_id: int | None
    cluster: int
    city: City
    said_city_id: int | None
    interests: list[str]
    model_id: str
    created_at: datetime
    joined_at: datetime
    updated_at: datetime
    moves: list[Move]


FIND_PLACEMENT = PreparedStatement(
    "find_placement",
    """
    SELECT member.room_id, member.previous_room_id, member.joined_at = %(now)s AS joined,
           rooms.cluster_id AS cluster, host.id, host.name, host.country_code AS country,
           host.listed, host.kind
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS host ON host.id = rooms.city_id
    WHERE member.user_id = %(user)s
      AND member.city_id = %(city)s AND member.interests = %(interests)s
    """,
    {"user": "text", "city": "bigint", "interests": "text[]", "now": "timestamptz"},
)
SHOW = """
    SELECT member.user_id, member.room_id, member.previous_room_id, rooms.cluster_id AS cluster,
           member.said_city_id, member.interests, member.model_id,
           member.created_at, member.joined_at, member.updated_at, town.id AS city_id,
           town.name AS city_name, town.country_code AS city_country, town.listed AS city_listed,
           town.kind AS city_kind
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS town ON town.id = member.city_id
    WHERE member.user_id = %(user)s
"""
MOVES_KEPT_DAYS = 30
# Moves before this time are not shown. app/domain/moves/change_feed.py deletes them.
MOVES_KEPT_SINCE = f"now() - interval '{MOVES_KEPT_DAYS} days'"
SHOW_MOVES = f"""
    SELECT from_room, to_room, reason, at FROM room_changes
    WHERE user_id = %(user)s AND at >= {MOVES_KEPT_SINCE} ORDER BY id
"""
# One transaction, because they are sent at once. Of two requests for one user the second waits for
# the lock and then finds nobody to count. What is counted is neither who nor where.
DELETE = """
    SELECT FROM memberships WHERE user_id = %(user)s FOR UPDATE;
    INSERT INTO deletions (deleted_month, joined_month, country, cluster_id, members)
    SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date,
           date_trunc('month', member.created_at AT TIME ZONE 'UTC')::date,
           coalesce(cities.country_code, 'unknown'), rooms.cluster_id, 1
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities ON cities.id = member.city_id
    WHERE member.user_id = %(user)s
    ON CONFLICT (deleted_month, joined_month, country, cluster_id)
    DO UPDATE SET members = deletions.members + 1;
    DELETE FROM memberships WHERE user_id = %(user)s RETURNING city_id, said_city_id
"""
READ_SETTINGS = "SELECT is_grouped FROM join_settings"
DELETE_CHANGES = "DELETE FROM room_changes WHERE user_id = %(user)s"


class Members:
    """The users of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.empty_places = EmptyPlaces(database)
        self._batcher = Batcher(partial(join_batch, database))

    def join(self, join: Join) -> JoinResult | None:
        """Put a user into a room; None: the city and the interests are the stored ones.

        Raises Conflict when the room or the city is gone or the room was looked up too long ago,
        NotRegistered, DatabaseUnavailable.
        """
        if self._joins_are_grouped:
            return self._batcher.submit(join)
        return join_batch(self.database, [join])[0]

    @cached_property
    def _joins_are_grouped(self) -> bool:
        # Read once by each process: `db distribute` changes it while none serves.
        rows = self.database.execute(READ_SETTINGS)
        return not rows or rows[0].is_grouped

    def find_placement(
        self, user_id: str, city_id: int, interests: list[str], now: datetime
    ) -> Placement | None:
        """Return the room of a user who sent this city and these interests before, or None.

        Raises DatabaseUnavailable.
        """
        parameters = {"user": user_id, "city": city_id, "interests": interests, "now": now}
        rows = self.database.execute(FIND_PLACEMENT, parameters)
        if not rows:
            return None
        row = rows[0]
        host = city_from_row(row)
        return Placement(
            row.room_id,
            row.previous_room_id,
            row.joined,
            row.cluster,
            hub=None if host.id == city_id else host,
        )

    def show(self, user_id: str) -> UserRecord:
        """Return all that is stored about a user.

        Raises UnknownUser, DatabaseUnavailable.
        """
        rows = self.database.execute(SHOW, {"user": user_id})
        if not rows:
            raise UnknownUser
        city, columns = split_city(rows[0])
        moves = self.database.execute(SHOW_MOVES, {"user": user_id})
        return UserRecord(city=city, moves=[Move(**move._asdict()) for move in moves], **columns)

    def forget(self, user_id: str) -> None:
        """Erase all that is stored about a user; an unknown user is no error.

        With the last user of a place that users typed, the place goes too: within the hour, if a
        command holds it now. Raises DatabaseUnavailable.
        """
        # The membership first: its row lock waits for a command that is moving the user, whose row
        # in room_changes is then visible to the second statement.
        rows = self.database.execute(DELETE, {"user": user_id})
        self.database.execute(DELETE_CHANGES, {"user": user_id})
        # A repeated request would find no user, and so no place.
        with suppress(DatabaseUnavailable):
            for row in rows:
                self.empty_places.remove({row.city_id, row.said_city_id or row.city_id})
