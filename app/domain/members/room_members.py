"""Lists the members of a room in pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.domain.cities.city import City, city_from_row
from app.domain.rooms.repository import Rooms
from app.infra.database import Database

MAX_PAGE_SIZE = 1_000
# A page is a part of the index on room and user, whatever the room's size. Every id is a later text
# than the empty one. On Citus each node returns its first members, and the coordinator merges them.
PAGE = """
    SELECT member.user_id, member.joined_at, town.id, town.name, town.country_code AS country,
           town.listed, town.kind
    FROM memberships AS member
    JOIN cities AS town ON town.id = member.city_id
    WHERE member.room_id = %(room)s AND member.user_id > %(after)s
    ORDER BY member.user_id LIMIT %(limit)s
"""
# Without statistics of a room that grew, PostgreSQL would read and sort all its members for a page.
PAGE_SETTINGS = "enable_sort = off"


class RoomMember(NamedTuple):
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
        rows = self.database.execute(PAGE, parameters, PAGE_SETTINGS)
        if not rows:
            self.rooms.require(room_id)
        # Most members of a page share their city.
        cities = {row.id: city_from_row(row) for row in {row.id: row for row in rows}.values()}
        return [RoomMember(row.user_id, row.joined_at, cities[row.id]) for row in rows]

    def all(self, room_id: int) -> Iterator[RoomMember]:
        """Yield all members of a room, a page in memory at a time.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        after = ""
        while members := self.page(room_id, after, MAX_PAGE_SIZE):
            yield from members
            after = members[-1].user_id
