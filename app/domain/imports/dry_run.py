"""`users import --dry-run`: the same checks, and the rooms that there would be."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.domain.cities.city import City, Kind, Place
from app.domain.cities.repository import Cities
from app.domain.cities.unlisted_places import UnlistedPlace
from app.domain.imports.importer import CHUNK_SIZE, chunks
from app.domain.imports.row_parser import Reject, UserRow
from app.domain.imports.row_resolver import ResolvedChunk, RowResolver
from app.infra.database import Database
from model.predict import Model

# A city's id, or for one that does not exist yet the key that it would get.
CityKey = int | tuple[str, str | None]
RoomKey = tuple[CityKey, int]

COUNT_MEMBERS = """
    SELECT rooms.city_id AS city, rooms.cluster_id AS cluster,
           count(memberships.user_id) AS members
    FROM rooms LEFT JOIN memberships ON memberships.room_id = rooms.id GROUP BY rooms.id
"""
FIND_MEMBERS = """
    SELECT member.user_id, member.city_id AS said, member.interests, rooms.city_id AS city,
           rooms.cluster_id AS cluster
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
    WHERE member.user_id = ANY(%(users)s)
"""
FIND_HOSTS = "SELECT city_id, host_id FROM city_hosts WHERE city_id = ANY(%(cities)s)"


@dataclass(slots=True)
class DryRunResult:
    """The counts that a run would give, and the rooms that there would be afterwards.

    `rooms`: members of each room. `unresolved`: users by place that the gazetteer lacks, whether or
    not another user typed it before. `areas`: users by name, where the name is an area's or a word
    for no place. `unknown_interests`: users by key that the model lacks.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rooms: Counter[RoomKey] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    areas: Counter[str] = field(default_factory=Counter)
    unknown_interests: Counter[str] = field(default_factory=Counter)

    @property
    def members(self) -> int:
        return self.rooms.total()

    @property
    def alone(self) -> int:
        """Members who would be alone in their room."""
        return sum(size for size in self.rooms.values() if size == 1)


class DryRun:
    """Processes rows as an import does, without writing."""

    def __init__(self, database: Database, cities: Cities, model: Model) -> None:
        self.database = database
        self.cities = cities
        self.resolver: RowResolver[CityKey] = RowResolver(model, self._find_city)
        self._hosts: dict[CityKey, int] = {}
        self._areas: set[CityKey] = set()
        self._unlisted: dict[CityKey, str] = {}  # the name shown for each
        self._owners: dict[str, CityKey] = {}  # the first place of each name

    def run(
        self,
        rows: Iterable[UserRow | Reject],
        reject: Callable[[Reject], None],
        progress: Callable[[int], None],
    ) -> DryRunResult:
        """Return what importing the rows would do.

        Raises DatabaseUnavailable.
        """
        result = DryRunResult()
        for row in self.database.execute(COUNT_MEMBERS):
            result.rooms[row.city, row.cluster] = row.members
        for rows_of_chunk in chunks(rows, CHUNK_SIZE):
            chunk = self.resolver.resolve(rows_of_chunk)
            for rejected in chunk.rejects:
                reject(rejected)
            result.counts["read"] += chunk.read
            result.counts["rejected"] += len(chunk.rejects)
            self._count(chunk, result)
            progress(chunk.read)
        result.unknown_interests = self.resolver.unknown_interests
        return result

    def _find_city(self, place: Place) -> CityKey:
        if place.city_id is not None:
            city = self.cities.by_id(place.city_id)
            self._note_unlisted(city.id, city)
            return city.id
        reading = self.cities.read(place.name, place.country)
        found = self.cities.find_read(place, reading)
        key = found.id if found else self.cities.new_key(place, reading)
        if reading.is_area:
            self._areas.add(key)
        else:
            self._note_unlisted(key, found or self.cities.unlisted_place(place, reading))
        return key

    def _note_unlisted(self, key: CityKey, city: City | UnlistedPlace) -> None:
        """Store the name of a place that is not in the gazetteer; namesakes get their country."""
        if isinstance(city, City) and (city.listed or city.kind != Kind.CITY):
            return
        country = city.country or self.cities.default_country
        owner = self._owners.setdefault(city.name, key)
        self._unlisted[key] = city.name if owner == key else f"{city.name}, {country}"

    def _count(self, chunk: ResolvedChunk[CityKey], result: DryRunResult) -> None:
        self._find_hosts(chunk.cities)
        ids = [user.user_id for user in chunk.users]
        members = {row.user_id: row for row in self.database.execute(FIND_MEMBERS, {"users": ids})}
        for user, city, cluster in zip(chunk.users, chunk.cities, chunk.clusters, strict=True):
            if city in self._areas:
                result.areas[user.place.name] += 1
            elif city in self._unlisted:
                result.unresolved[self._unlisted[city]] += 1
            room: RoomKey = (self._hosts.get(city, city), cluster)
            if member := members.get(user.user_id):
                if member.said == city and tuple(member.interests) == user.interests:
                    result.counts["unchanged"] += 1
                    continue
                old_room: RoomKey = (member.city, member.cluster)
                result.rooms[old_room] -= 1
                result.counts["moved"] += room != old_room
            result.counts["placed"] += 1
            result.counts["rooms_created"] += room not in result.rooms
            result.rooms[room] += 1

    def _find_hosts(self, cities: list[CityKey]) -> None:
        new = [city for city in set(cities) - self._hosts.keys() if isinstance(city, int)]
        if new:
            rows = self.database.execute(FIND_HOSTS, {"cities": new})
            self._hosts.update((row.city_id, row.host_id) for row in rows)
