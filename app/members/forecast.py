"""What `users import --dry-run` tells: the same checks, and the rooms that there would be."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.cities.naming import fold
from app.cities.service import Cities, UnknownCity, UnusableName
from app.db import Database
from app.members.importing import CHUNK, chunks, predict
from app.members.userfile import Reject, UserRow
from model.predict import Model

# A room by its city's id (an unlisted name's key, where the city is not made yet) and its cluster.
RoomKey = tuple[int | tuple[str, str | None], int]

SIZES = """
    SELECT rooms.city_id, rooms.cluster_id, count(memberships.user_id)
    FROM rooms LEFT JOIN memberships ON memberships.room_id = rooms.id GROUP BY rooms.id
"""
THERE = """
    SELECT member.user_id, member.city_id, member.interests, rooms.city_id, rooms.cluster_id
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
    WHERE member.user_id = ANY(%(users)s)
"""
HOST = """
    SELECT coalesce(town.hub_id, town.id) FROM cities AS said
    JOIN cities AS town ON town.id = coalesce(said.merged_into, said.id) WHERE said.id = %(city)s
"""


@dataclass(slots=True)
class Forecast:
    """Counts as a run would give them, rooms as they would be, names that no city bears."""

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


@dataclass(slots=True)
class Forecaster:
    """Goes through the rows as an import does, and writes nothing."""

    database: Database
    cities: Cities
    model: Model
    _meanings: dict[tuple[str, str | None, int | None], tuple[int | None, str]] = field(
        default_factory=dict
    )
    _hosts: dict[int, int] = field(default_factory=dict)

    def forecast(
        self,
        rows: Iterable[UserRow | Reject],
        reject: Callable[[Reject], None],
        progress: Callable[[], None],
    ) -> Forecast:
        """What importing the rows would do.

        Raises DatabaseUnavailable.
        """
        found = Forecast()
        for city, cluster, size in self.database.execute(SIZES):
            found.rooms[city, cluster] = size
        for chunk in chunks(rows, CHUNK):
            users: list[tuple[UserRow, int | None]] = []
            for row in chunk:
                found.counts["read"] += 1
                refused = row if isinstance(row, Reject) else self._mean(row, users)
                if refused:
                    found.counts["rejected"] += 1
                    reject(refused)
                progress()
            self._count(users, found)
        return found

    def _mean(self, user: UserRow, users: list[tuple[UserRow, int | None]]) -> Reject | None:
        if not self.model.known(user.interests):
            return Reject(
                user.line, user.user_id, "interests", "has none that the model knows, ticked"
            )
        place = (user.city, user.country, user.city_id)
        if place not in self._meanings:
            self._meanings[place] = self._look(user)
        city, why = self._meanings[place]
        if why:
            return Reject(
                user.line, user.user_id, "city" if user.city_id is None else "city_id", why
            )
        users.append((user, city))
        return None

    def _look(self, user: UserRow) -> tuple[int | None, str]:
        try:
            if user.city_id is not None:
                return self.cities.by_id(user.city_id).id, ""
            city = self.cities.known(user.city, user.country)
            return (city.id if city else None), ""
        except UnusableName:
            return None, "must have a letter or a digit"
        except UnknownCity:
            return None, "is no city's id"

    def _count(self, users: list[tuple[UserRow, int | None]], found: Forecast) -> None:
        if not users:
            return
        ids = [user.user_id for user, _ in users]
        there = {row[0]: row[1:] for row in self.database.execute(THERE, {"users": ids})}
        clusters = predict(self.model, [user for user, _ in users])
        for (user, city), cluster in zip(users, clusters, strict=True):
            if city is None:
                found.unresolved[user.city] += 1
            host = (fold(user.city), user.country) if city is None else self._host(city)
            if user.user_id in there:
                said, interests, room_city, room_cluster = there[user.user_id]
                if said == city and tuple(interests) == user.interests:
                    found.counts["unchanged"] += 1
                    continue
                found.rooms[room_city, room_cluster] -= 1
                found.counts["moved"] += (host, int(cluster)) != (room_city, room_cluster)
            found.counts["placed"] += 1
            found.rooms[host, int(cluster)] += 1

    def _host(self, city: int) -> int:
        if city not in self._hosts:
            self._hosts[city] = self.database.execute(HOST, {"city": city})[0][0]
        return self._hosts[city]
