"""What `users import --dry-run` tells: the same checks, and the rooms that there would be."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.assignment import Place
from app.cities.service import Cities
from app.db import Database
from app.members.importing import CHUNK, chunks
from app.members.understanding import Understanding, Understood
from app.members.userrow import Reject, UserRow
from model.predict import Model

# A city by its id, or by the key under which it would be kept, where it is not made yet.
CityKey = int | tuple[str, str | None]
RoomKey = tuple[CityKey, int]

SIZES = """
    SELECT rooms.city_id, rooms.cluster_id, count(memberships.user_id)
    FROM rooms LEFT JOIN memberships ON memberships.room_id = rooms.id GROUP BY rooms.id
"""
THERE = """
    SELECT member.user_id, member.city_id, member.interests, rooms.city_id, rooms.cluster_id
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
    WHERE member.user_id = ANY(%(users)s)
"""
HOSTS = """
    SELECT said.id, coalesce(town.hub_id, town.id) FROM cities AS said
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id)
    WHERE said.id = ANY(%(cities)s)
"""


@dataclass(slots=True)
class Forecast:
    """Counts as a run would give them, rooms as they would be, names that no city bears.

    `rooms`: members of each room there would be. `unresolved`: users of each name.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rooms: Counter[RoomKey] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)

    @property
    def members(self) -> int:
        return self.rooms.total()

    @property
    def alone(self) -> int:
        """Members who would be alone in their room."""
        return sum(size for size in self.rooms.values() if size == 1)


class Forecaster:
    """Goes through the rows as an import does, and writes nothing."""

    def __init__(self, database: Database, cities: Cities, model: Model) -> None:
        self.database = database
        self.cities = cities
        self.understanding: Understanding[CityKey] = Understanding(model, self._find)
        self._hosts: dict[CityKey, int] = {}

    def forecast(
        self,
        rows: Iterable[UserRow | Reject],
        reject: Callable[[Reject], None],
        progress: Callable[[int], None],
    ) -> Forecast:
        """What importing the rows would do.

        Raises DatabaseUnavailable.
        """
        found = Forecast()
        for city, cluster, size in self.database.execute(SIZES):
            found.rooms[city, cluster] = size
        for chunk in chunks(rows, CHUNK):
            understood = self.understanding.understand(chunk)
            for refused in understood.rejects:
                reject(refused)
            found.counts["read"] += understood.read
            found.counts["rejected"] += len(understood.rejects)
            self._count(understood, found)
            progress(understood.read)
        return found

    def _find(self, place: Place) -> CityKey:
        if place.city_id is not None:
            return self.cities.by_id(place.city_id).id
        city = self.cities.known(place.name, place.country)
        return city.id if city else self.cities.unlisted_key(place.name, place.country)

    def _count(self, chunk: Understood[CityKey], found: Forecast) -> None:
        self._look_up_hosts(chunk.cities)
        ids = [user.user_id for user in chunk.users]
        there = {row[0]: row[1:] for row in self.database.execute(THERE, {"users": ids})}
        for user, city, cluster in zip(chunk.users, chunk.cities, chunk.clusters, strict=True):
            if isinstance(city, tuple):
                found.unresolved[user.place.name] += 1
            room: RoomKey = (self._hosts.get(city, city), cluster)
            if user.user_id in there:
                said, interests, *room_now = there[user.user_id]
                if said == city and tuple(interests) == user.interests:
                    found.counts["unchanged"] += 1
                    continue
                found.rooms[room_now[0], room_now[1]] -= 1
                found.counts["moved"] += room != tuple(room_now)
            found.counts["placed"] += 1
            found.counts["rooms_created"] += room not in found.rooms
            found.rooms[room] += 1

    def _look_up_hosts(self, cities: list[CityKey]) -> None:
        new = [city for city in set(cities) - self._hosts.keys() if isinstance(city, int)]
        if new:
            rows = self.database.execute(HOSTS, {"cities": new})
            self._hosts.update((city, host) for city, host in rows)
