"""Find or create the room of a (city, cluster) pair; look a room up."""

from dataclasses import dataclass
from datetime import datetime

from app.cities.service import City
from app.db import Database, Row
from app.remembering import Remembered

REMEMBERED_ROOMS = 50_000


class UnknownRoom(Exception):
    """No room has this id, nor ever had one that leads on."""


class RoomMoved(Exception):
    """The room was merged or gathered away; `room_id` took its members in."""

    def __init__(self, room_id: int) -> None:
        super().__init__(room_id)
        self.room_id = room_id


@dataclass(frozen=True, slots=True)
class Room:
    """The room that people of a city and cluster share; `hub`: whose room it is, if not theirs."""

    id: int
    hub: City | None


@dataclass(frozen=True, slots=True)
class RoomDetails:
    """A room as its page shows it."""

    id: int
    city: City
    cluster: int
    label_es: str
    label_en: str
    members: int
    created_at: datetime


# The two signposts in one statement: the city this one turned out to be, and the hub whose rooms it
# shares for now.
FIND = """
    SELECT rooms.id, host.id, host.name, host.country_code, host.listed
    FROM cities AS said
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    JOIN cities AS host ON host.id = coalesce(town.hub_id, town.id)
    JOIN rooms ON rooms.city_id = host.id AND rooms.cluster_id = %(cluster)s
    WHERE said.id = %(city)s
"""
# FOR SHARE: a merge or gather that is setting a signpost on this city right now is waited for, and
# what it wrote is followed; without the lock it would miss this room and leave it stray. Where the
# signpost changed under the wait, no row comes of it, and the caller looks again.
# ON CONFLICT: of clients racing for a new pair one creates the room, the others find it.
CREATE = """
    INSERT INTO rooms (city_id, cluster_id)
    SELECT coalesce(town.hub_id, town.id), %(cluster)s
    FROM cities AS said
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    WHERE said.id = %(city)s
    FOR SHARE
    ON CONFLICT (city_id, cluster_id) DO NOTHING
    RETURNING id
"""
SHOW = """
    SELECT rooms.id, cities.id, cities.name, cities.country_code, cities.listed, rooms.cluster_id,
           clusters.label_es, clusters.label_en,
           (SELECT count(*) FROM memberships WHERE room_id = %(id)s), rooms.created_at
    FROM rooms
    JOIN cities ON cities.id = rooms.city_id
    JOIN clusters ON clusters.id = rooms.cluster_id
    WHERE rooms.id = %(id)s
"""
FIND_REDIRECT = "SELECT room_id FROM room_redirects WHERE id = %(id)s"


class Rooms:
    """Finds and creates rooms, and remembers each pair's for 5 seconds at the most."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._remembered: Remembered[tuple[int, int], Room] = Remembered(REMEMBERED_ROOMS)

    def find(self, city_id: int, cluster: int) -> Room | None:
        """The room of a pair, its city's signposts followed, or None.

        Raises DatabaseUnavailable.
        """
        pair = city_id, cluster
        if room := self._remembered.recall(pair):
            return room
        rows = self.database.execute(FIND, {"city": city_id, "cluster": cluster})
        if not rows:
            return None
        room_id, *host = rows[0]
        hub = None if host[0] == city_id else City(*host)
        return self._remembered.keep(pair, Room(room_id, hub))

    def create(self, city_id: int, cluster: int) -> bool:
        """Make sure the pair has a room; True when it was this call that created it.

        Raises Conflict when the cluster is not registered, DatabaseUnavailable.
        """
        return bool(self.database.execute(CREATE, {"city": city_id, "cluster": cluster}))

    def show(self, room_id: int) -> RoomDetails:
        """The room of an id.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        if rows := self.database.execute(SHOW, {"id": room_id}):
            return details(rows[0])
        if rows := self.database.execute(FIND_REDIRECT, {"id": room_id}):
            raise RoomMoved(rows[0][0])
        raise UnknownRoom(room_id)

    def forget(self) -> None:
        """Drop all that is remembered: some of it turned out to be gone."""
        self._remembered.forget()


def details(row: Row) -> RoomDetails:
    """A room from the columns that SHOW selects."""
    room_id, city_id, name, country, listed, *rest = row
    return RoomDetails(room_id, City(city_id, name, country, listed), *rest)
