"""Put a user into a room, and tell where a user is."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.cities.service import City
from app.connections import Prepared
from app.db import Database
from app.members.joins import joins


class UnknownUser(Exception):
    """No user of this id is in a room."""


class Standing(NamedTuple):
    """Where a user stands.

    `joined`: this request put them there. `hub`: the city whose room it is, if not their own.
    """

    room_id: int
    previous_room_id: int | None
    joined: bool
    cluster: int
    hub: City | None


@dataclass(frozen=True, slots=True)
class Move:
    """A move that the user's app did not ask for."""

    from_room: int
    to_room: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A move of some user; `id` is a reader's cursor."""

    id: int
    user_id: str
    from_room: int
    to_room: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserDetails:
    """All that is stored about a user."""

    user_id: str
    room_id: int
    previous_room_id: int | None
    cluster: int
    city: City
    interests: list[str]
    model_id: str
    created_at: datetime
    joined_at: datetime
    updated_at: datetime
    moves: list[Move]


STAND_SQL = """
    SELECT member.room_id, member.previous_room_id, member.joined_at = %(now)s,
           rooms.cluster_id, member.city_id, host.id, host.name, host.country_code, host.listed
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS host ON host.id = rooms.city_id
    WHERE member.user_id = %(user)s
      AND member.city_id = %(city)s AND member.interests = %(interests)s
"""
STAND = Prepared(
    "stand",
    STAND_SQL,
    {"user": "text", "city": "bigint", "interests": "text[]", "now": "timestamptz"},
)
SHOW = """
    SELECT member.user_id, member.room_id, member.previous_room_id, rooms.cluster_id,
           town.id, town.name, town.country_code, town.listed,
           member.interests, member.model_id,
           member.created_at, member.joined_at, member.updated_at
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS town ON town.id = member.city_id
    WHERE member.user_id = %(user)s
"""
SHOW_MOVES = """
    SELECT from_room, to_room, reason, at FROM room_changes WHERE user_id = %(user)s ORDER BY id
"""


FORGET = "DELETE FROM memberships WHERE user_id = %(user)s"
FORGET_CHANGES = "DELETE FROM room_changes WHERE user_id = %(user)s"
# In the order of commits: whoever moves people takes their numbers under a lock (app/rooms/moving).
CHANGES = """
    SELECT id, user_id, from_room, to_room, reason, at FROM room_changes
    WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
"""


class Members:
    """Joins users to rooms and tells where they are."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.join = joins(database)

    def stand(
        self, user_id: str, city_id: int, interests: list[str], now: datetime
    ) -> Standing | None:
        """Where a user is who gave this very city and these very interests before, or None.

        Raises DatabaseUnavailable.
        """
        rows = self.database.execute(
            STAND, {"user": user_id, "city": city_id, "interests": interests, "now": now}
        )
        if not rows:
            return None
        room_id, previous, joined, cluster, town_id, *host = rows[0]
        hub = None if host[0] == town_id else City(*host)
        return Standing(room_id, previous, joined, cluster, hub)

    def show(self, user_id: str) -> UserDetails:
        """All that is stored about a user.

        Raises UnknownUser, DatabaseUnavailable.
        """
        rows = self.database.execute(SHOW, {"user": user_id})
        if not rows:
            raise UnknownUser
        number, room_id, previous, cluster, town, name, country, listed, *rest = rows[0]
        interests, model_id, created_at, joined_at, updated_at = rest
        return UserDetails(
            number,
            room_id,
            previous,
            cluster,
            City(town, name, country, listed),
            interests,
            model_id,
            created_at,
            joined_at,
            updated_at,
            [Move(*move) for move in self.database.execute(SHOW_MOVES, {"user": user_id})],
        )

    def forget(self, user_id: str) -> None:
        """Erase all that is stored about a user; who is not there is forgotten already.

        Raises DatabaseUnavailable.
        """
        # The membership first: it waits for a command that is moving the user, whose line in
        # room_changes is then there to be erased.
        self.database.execute(FORGET, {"user": user_id})
        self.database.execute(FORGET_CHANGES, {"user": user_id})

    def changes(self, after: int, limit: int) -> list[Change]:
        """Moves that the app did not ask for, in order, those after a cursor.

        Raises DatabaseUnavailable.
        """
        rows = self.database.execute(CHANGES, {"after": after, "limit": limit})
        return [Change(*row) for row in rows]
