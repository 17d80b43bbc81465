"""How a user comes into a room: predict, place, find or create, join.

interests ─▶ cluster   the model's exact answer, no database
typed place ─▶ city    resolved, or made when nothing bears the name
(city, cluster) ─▶ room    found, or created by exactly one of those who race for it
user ─▶ room    one upsert
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from app.cities.service import Cities, City
from app.db import Conflict, DatabaseUnavailable
from app.members.joins import Joining
from app.members.service import Members, Standing
from app.rooms.service import Rooms
from model.predict import Model

TRIES = 3


class NoInterests(Exception):
    """None of the ticked interests is one that the model knows: it cannot say who is alike."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__()
        self.known = known


class Place(NamedTuple):
    """Where a user says they are: a name as typed, or the id of a city they picked."""

    name: str = ""
    country: str | None = None
    city_id: int | None = None


class User(NamedTuple):
    """Who asks: interests each once in code point order, and the time that the whole call bears."""

    id: str
    interests: list[str]
    unknown_interests: tuple[str, ...]
    now: datetime


class Assignment(NamedTuple):
    """Where a user stands, the city they mean, and whether this call created the room."""

    user: User
    city: City
    standing: Standing
    created: bool


@dataclass(frozen=True, slots=True)
class Assigner:
    """The four parts that an assignment takes."""

    model: Model
    cities: Cities
    rooms: Rooms
    members: Members

    def assign(self, user_id: str, ticked: Iterable[str], place: Place) -> Assignment:
        """Put a user into the room of their city and cluster.

        Raises NoInterests, UnusableName, UnknownCity (all before anything is stored), and
        DatabaseUnavailable.
        """
        interests = sorted(set(ticked))
        unknown = self.model.unknown(interests)
        if len(unknown) == len(interests):
            raise NoInterests(self.model.interests)
        cluster = self.model.predict(interests)
        user = User(user_id, interests, unknown, datetime.now(UTC))
        for _ in range(TRIES):
            try:
                city = self._locate(place)
                return self._settle(user, city, cluster)
            except Conflict as conflict:
                if not conflict.is_race:
                    raise
                # A merge took the room away between our look and our join, or the two waited for
                # each other: what we remember is stale, and the next look finds what is true.
                self.cities.forget()
                self.rooms.forget()
        raise DatabaseUnavailable("the rooms of this city are being moved")

    def _locate(self, place: Place) -> City:
        if place.city_id is not None:
            return self.cities.by_id(place.city_id)
        return self.cities.resolve(place.name, place.country)

    def _settle(self, user: User, city: City, cluster: int) -> Assignment:
        room, created = self.rooms.find(city.id, cluster), False
        if room is None:
            # Who asks again after a new model shipped stays: no room may be made for the cluster
            # that they would have now.
            if standing := self.members.stand(user.id, city.id, user.interests, user.now):
                return Assignment(user, city, standing, created)
            created = self.rooms.create(city.id, cluster)
            room = self.rooms.find(city.id, cluster)
            if room is None:
                raise Conflict("a signpost was set on the city just now")
        while True:
            joined = self.members.join(
                Joining(user.id, city.id, room.id, user.interests, self.model.id, user.now)
            )
            if joined:
                return Assignment(user, city, Standing(*joined, cluster, room.hub), created)
            # Nothing changed, so the upsert gave no row to answer from. Should the user have been
            # forgotten between the two statements, they join anew.
            if standing := self.members.stand(user.id, city.id, user.interests, user.now):
                return Assignment(user, city, standing, created)
