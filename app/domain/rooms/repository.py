"""Finds or creates the room of a (city, cluster) pair, and looks rooms up."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.cities.city import City, city_from_row, split_city
from app.domain.rooms.bulk_create import CREATE_ROOMS, pair_arrays
from app.infra.database import Database, Row
from app.infra.metrics import ROOMS
from app.infra.ttl_cache import TTL_S, SharedTTLCache

MAX_CACHED_ROOMS = 50_000
# How long after a lookup its room may be joined, by the server's clock. Longer than the cache keeps
# the room, so that only a process that was paused meanwhile is refused.
ROOM_VALID_FOR_S = TTL_S + 1.0


class UnknownRoom(Exception):
    """No room has this id, and none that had it was merged into another."""


class RoomMoved(Exception):
    """The room was merged or gathered; `room_id` is the room that took its members."""

    def __init__(self, room_id: int) -> None:
        super().__init__(room_id)
        self.room_id = room_id


@dataclass(frozen=True, slots=True)
class Room:
    """The room of a pair.

    `hub`: the city whose room it is, where that is another city. `valid_until`: the server's time
    after which a join refuses this answer, because a command may have moved the pair's people.
    """

    id: int
    hub: City | None
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class RoomDetails:
    """A room with its city, its cluster and the number of its members."""

    id: int
    city: City
    cluster: int
    label_es: str
    label_en: str
    members: int
    created_at: datetime


# Follows the town's pointer to its hub. Where the city that the user gave is merged or taken back,
# and the caller cached the town before, there is no room. now() is earlier than the snapshot.
FIND = f"""
    SELECT rooms.id AS room_id, host.town_id AS id, host.name, host.country_code AS country,
           host.listed, host.kind, now() + interval '{ROOM_VALID_FOR_S} s' AS valid_until
    FROM city_hosts AS city
    JOIN city_hosts AS host ON host.city_id = city.host_id
    JOIN rooms ON rooms.city_id = city.host_id AND rooms.cluster_id = %(cluster)s
    WHERE city.city_id = %(said)s AND city.town_id = %(city)s
"""
# Completed by a count of the members, `members`.
DETAILS = """rooms.id, rooms.created_at, rooms.cluster_id AS cluster,
           clusters.label_es, clusters.label_en, cities.id AS city_id, cities.name AS city_name,
           cities.country_code AS city_country, cities.listed AS city_listed,
           cities.kind AS city_kind"""
DETAILS_FROM = """rooms
    JOIN cities ON cities.id = rooms.city_id
    JOIN clusters ON clusters.id = rooms.cluster_id"""
SHOW = f"""
    SELECT {DETAILS}, (SELECT count(*) FROM memberships WHERE room_id = %(id)s) AS members
    FROM {DETAILS_FROM}
    WHERE rooms.id = %(id)s
"""
# One statement: between two, a command may restore a room and delete its redirect.
FOLLOW = """
    SELECT id AS room_id FROM rooms WHERE id = %(id)s
    UNION ALL SELECT room_id FROM room_redirects WHERE id = %(id)s
"""


class Rooms:
    """Finds and creates rooms, and caches each pair's room for up to 5 seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: SharedTTLCache[tuple[int, int, int], Room] = SharedTTLCache(MAX_CACHED_ROOMS)

    def find(self, city_id: int, said_id: int, cluster: int) -> Room | None:
        """Return the room of a city and cluster; `said_id`: the city, or one merged into it.

        None: there is no room, or the city that `said_id` is has changed. Raises
        DatabaseUnavailable.
        """
        key = city_id, said_id, cluster
        if room := self._cache.get(key):
            return room
        asked_at = time.monotonic()
        parameters = {"city": city_id, "said": said_id, "cluster": cluster}
        rows = self.database.execute(FIND, parameters)
        if not rows:
            return None
        host = city_from_row(rows[0])
        hub = None if host.id == city_id else host
        return self._cache.put(key, Room(rows[0].room_id, hub, rows[0].valid_until), asked_at)

    def create(self, city_id: int, cluster: int) -> bool:
        """Create the room of a pair unless it exists; return whether this call created it.

        Raises NotRegistered (the cluster), DatabaseUnavailable.
        """
        created = bool(self.database.execute(CREATE_ROOMS, pair_arrays([(city_id, cluster)])))
        if created:
            ROOMS.inc()
        return created

    def show(self, room_id: int) -> RoomDetails:
        """Return the room with an id.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        while not (rows := self.database.execute(SHOW, {"id": room_id})):
            self.require(room_id)
        return details_from_row(rows[0])

    def require(self, room_id: int) -> None:
        """Do nothing if a room exists.

        Raises RoomMoved, UnknownRoom, DatabaseUnavailable.
        """
        rows = self.database.execute(FOLLOW, {"id": room_id})
        if not rows:
            raise UnknownRoom(room_id)
        if rows[0].room_id != room_id:
            raise RoomMoved(rows[0].room_id)

    def clear_cache(self) -> None:
        """Drop all cached rooms."""
        self._cache.clear()


def details_from_row(row: Row, **columns: Any) -> RoomDetails:
    """Return the room of a row with the columns of DETAILS and `members`, which may be apart."""
    city, others = split_city(row)
    return RoomDetails(city=city, **others, **columns)
