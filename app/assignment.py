"""How a user gets into a room: predict, locate, find or create, join.

interests ─▶ cluster            the model's exact answer, without the database
typed name or id ─▶ city        found in the gazetteer, or created as an unlisted one
(city, cluster) ─▶ room         found, or created by exactly one of the callers that race for it
user ─▶ membership              one upsert
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.cities.autocomplete import MAX_GUESSES, Autocomplete
from app.domain.cities.city import City, Place
from app.domain.cities.repository import Cities, Located
from app.domain.members.joins import Join
from app.domain.members.repository import Members, Placement
from app.domain.rooms.repository import Rooms
from app.infra.database import Conflict, DatabaseUnavailable
from app.infra.metrics import JOINS, MOVES
from model.predict import Model

# A command moves a room once. But where users leave and join a typed place in turn, each who leaves
# last removes it, and a join may find it gone several times.
MAX_ATTEMPTS = 20


class NoInterests(Exception):
    """No selected interest is known to the model, so it cannot predict a cluster."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__()
        self.known = known


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user selected: all keys (each once, in code point order), and those of no model."""

    interests: list[str]
    unknown: tuple[str, ...]
    cluster: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """The result for one user.

    `created`: this call created the room. `did_you_mean`: listed cities that an unlisted one may
    be, or that may be meant by a text that says more than one place.
    """

    user_id: str
    profile: Profile
    city: City
    placement: Placement
    created: bool
    did_you_mean: list[City]


@dataclass(frozen=True, slots=True)
class Assigner:
    """Assigns users to rooms."""

    model: Model
    cities: Cities
    autocomplete: Autocomplete
    rooms: Rooms
    members: Members

    def assign(self, user_id: str, interests: Iterable[str], place: Place) -> Assignment:
        """Put a user into the room of their city and cluster.

        Raises NoInterests, UnusableName, UnknownCity (all before anything is stored),
        NotRegistered and DatabaseUnavailable.
        """
        profile = self.predict(interests)
        now = datetime.now(UTC)
        for _ in range(MAX_ATTEMPTS):
            try:
                located = self.cities.locate(place)
                city = located.city
                placement, created = self.join(user_id, profile, located, now)
                break
            except Conflict:
                # Between the lookup and the join a command moved the room, the last user of a typed
                # place left, or the process was paused. Or a deadlock. The next lookup reads the
                # database, not the caches.
                self.cities.clear_cache()
                self.rooms.clear_cache()
        else:
            raise DatabaseUnavailable("the rooms of this city are being moved")
        if placement.joined:
            (JOINS if placement.previous_room_id is None else MOVES).inc()
            if placement.previous_room_id is not None:
                self.members.empty_places.remove_left(placement.previous_room_id)
        did_you_mean = self.guess(located, place)
        return Assignment(user_id, profile, city, placement, created, did_you_mean)

    def guess(self, located: Located, place: Place) -> list[City]:
        """Return listed cities that a place may be: guesses for an unread name come first.

        No guesses when the database cannot answer.
        """
        guesses: list[City] = []
        # The user is in the room already: a failed guess must not turn the answer into an error.
        with suppress(DatabaseUnavailable):
            if located.is_unread:
                guesses = self.autocomplete.guess(located.city, place.name)
        return list(dict.fromkeys([*guesses, *located.did_you_mean]))[:MAX_GUESSES]

    def predict(self, interests: Iterable[str]) -> Profile:
        """Return the profile with its cluster. Raises NoInterests."""
        keys = sorted(set(interests))
        unknown = self.model.unknown(keys)
        if len(unknown) == len(keys):
            raise NoInterests(self.model.interests)
        return Profile(keys, unknown, self.model.predict(keys))

    def join(
        self, user_id: str, profile: Profile, located: Located, now: datetime
    ) -> tuple[Placement, bool]:
        """Find or create the room, and join it; also whether this call created the room."""
        city, said_id = located.city, located.said_id
        room, created = self.rooms.find(city.id, said_id, profile.cluster), False
        if room is None:
            # A repeated request after a new model shipped changes nothing, and must not create a
            # room for the cluster that the user would be in now.
            if placement := self.members.find_placement(user_id, city.id, profile.interests, now):
                return placement, created
            created = self.rooms.create(said_id, profile.cluster)
            room = self.rooms.find(city.id, said_id, profile.cluster)
            if room is None:
                raise Conflict("the city was merged or gathered meanwhile")
        interests, valid_until = profile.interests, room.valid_until
        join = Join(user_id, city.id, said_id, room.id, interests, self.model.id, now, valid_until)
        while True:
            if result := self.members.join(join):
                return Placement(*result, cluster=profile.cluster, hub=room.hub), created
            # Nothing changed, so the upsert returned no row. If the user was erased between the
            # two statements, the upsert runs again.
            if placement := self.members.find_placement(user_id, city.id, profile.interests, now):
                return placement, created
