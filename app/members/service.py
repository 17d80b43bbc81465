"""Put a user into a room, and tell where a user is."""

from dataclasses import dataclass
from datetime import datetime

from app.cities.service import City
from app.connections import Prepared
from app.db import Database


class UnknownUser(Exception):
    """No user of this id is in a room."""


@dataclass(frozen=True, slots=True)
class Standing:
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


# The hot statement: one autocommitted round trip puts a user into a room, whatever was before.
#
# - It reads nothing first, so that no other request can come between: of two for one user, the one
#   committed last wins.
# - A move keeps its history here: the old row's room becomes previous_room_id. A change of profile
#   that leaves the user in the room leaves previous_room_id and joined_at alone.
# - IS DISTINCT FROM: the same city and interests again write no row (no dead tuple, no new xmin),
#   also when a newer model would say otherwise. Then RETURNING gives nothing.
# - No subquery and no now() in it: hash-distributed tables (Citus) take neither here.
JOIN_SQL = """
    INSERT INTO memberships AS member
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    VALUES (%(user)s, %(city)s, %(room)s, %(interests)s, %(model)s, %(now)s, %(now)s, %(now)s)
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
    RETURNING room_id, previous_room_id, joined_at = %(now)s
"""
JOIN = Prepared(
    "join_room",
    JOIN_SQL,
    {
        "user": "text",
        "city": "bigint",
        "room": "bigint",
        "interests": "text[]",
        "model": "text",
        "now": "timestamptz",
    },
)
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

    def join(
        self,
        user_id: str,
        city_id: int,
        room_id: int,
        interests: list[str],
        model_id: str,
        now: datetime,
    ) -> tuple[int, int | None, bool] | None:
        """Put a user into a room; None when city and interests are the stored ones.

        Gives the room's id, the previous room's, and whether this put the user there.

        `interests`: the ticked keys, each once, in code point order. Sending the same again with
        the same `now` is safe: it answers as the first would have.

        Raises Conflict when the room or the city is gone, DatabaseUnavailable.
        """
        rows = self.database.execute(
            JOIN,
            {
                "user": user_id,
                "city": city_id,
                "room": room_id,
                "interests": interests,
                "model": model_id,
                "now": now,
            },
        )
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

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
