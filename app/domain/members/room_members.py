"""Lists the members of a room in pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.domain.cities.city import City, split_city
from app.domain.rooms.repository import Rooms
from app.infra.database import Database

MAX_PAGE_SIZE = 1_000
# A page is a part of the index on room and user, whatever the room's size. Every id is a later text
# than the empty one. On Citus each node returns its first members, and the coordinator merges them.
PAGE = """
    SELECT member.user_id, member.joined_at, town.id AS city_id, town.name AS city_name,
           town.country_code AS city_country, town.listed AS city_listed, town.kind AS city_kind
    FROM memberships AS member
    JOIN cities AS town ON town.id = member.city_id
    WHERE member.room_id = %(room)s AND member.user_id > %(after)s
    ORDER BY member.user_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class RoomMember:
    """A member of a room, and the city that they gave."""

    user_id: str
    joined_at: datetime
    city: City


@dataclass(frozen=True, slots=True)
class RoomMembers:
    """The members of the rooms of one database."""

    database: Database
    rooms: Rooms

    def page(self, room_id: int, after: str, limit: int) -> list[RoomMember]:
        """Return a room's members in the order of their ids, those after one.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        parameters = {"room": room_id, "after": after, "limit": limit}
        rows = self.database.execute(PAGE, parameters)
        if not rows:
            self.rooms.require(room_id)
        members = []
        for row in rows:
            city, columns = split_city(row)
            members.append(RoomMember(city=city, **columns))
        return members

    def all(self, room_id: int) -> Iterator[RoomMember]:
        """Yield all members of a room, a page in memory at a time.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        after = ""
        while members := self.page(room_id, after, MAX_PAGE_SIZE):
            yield from members
            after = members[-1].user_id
