"""What the rows of a user base mean: the city and the cluster of each, or why it has none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.assignment import Place
from app.cities.service import UnknownCity, UnusableName
from app.members.userrow import REMEMBERED_PLACES, Reject, UserRow
from model.predict import Model

C = TypeVar("C")


class NoCity(NamedTuple):
    """A place that names no city: which field of it, and why."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Understood(Generic[C]):
    """Some rows: the users who can be placed, each with a city and a cluster, and the others."""

    users: list[UserRow]
    cities: list[C]
    clusters: list[int]
    rejects: list[Reject]

    @property
    def read(self) -> int:
        return len(self.users) + len(self.rejects)


class Understanding(Generic[C]):
    """Gives users their city and cluster by the rules of POST /rooms.

    `find`: the city of a place, whatever stands for it; asked once for each place. It may raise
    UnusableName and UnknownCity.
    """

    def __init__(self, model: Model, find: Callable[[Place], C]) -> None:
        self.model = model
        self.find = find
        self._columns = {key: number for number, key in enumerate(model.interests)}
        self._found: dict[Place, C | NoCity] = {}

    def understand(self, rows: Iterable[UserRow | Reject]) -> Understood[C]:
        """Sort out some rows; rejects stay in the order of their lines.

        Raises DatabaseUnavailable.
        """
        rows = list(rows)
        profiles = self._profiles(rows)
        known_interests = profiles.sum(axis=1).tolist()
        users: list[UserRow] = []
        cities: list[C] = []
        rejects: list[Reject] = []
        places: list[int] = []
        for number, row in enumerate(rows):
            if isinstance(row, Reject):
                rejects.append(row)
                continue
            if not known_interests[number]:
                reason = "has none that the model knows, ticked"
                rejects.append(Reject(row.line, row.user_id, "interests", reason))
                continue
            city = self._city(row.place)
            if isinstance(city, NoCity):
                rejects.append(Reject(row.line, row.user_id, city.field, city.reason))
                continue
            users.append(row)
            cities.append(city)
            places.append(number)
        clusters = self.model.predict_many(profiles[places]).tolist()
        return Understood(users, cities, clusters, rejects)

    def _profiles(self, rows: list[UserRow | Reject]) -> NDArray[np.bool_]:
        """(rows, interests); those of a reject, and keys that the model does not know: nothing."""
        column = self._columns
        ticked = [
            [column[key] for key in row.interests if key in column]
            if isinstance(row, UserRow)
            else []
            for row in rows
        ]
        profiles = np.zeros((len(rows), len(column)), dtype=np.bool_)
        lengths = [len(columns) for columns in ticked]
        profiles[np.repeat(np.arange(len(rows)), lengths), list(chain.from_iterable(ticked))] = True
        return profiles

    def _city(self, place: Place) -> C | NoCity:
        found = self._found.get(place)
        if found is None:
            found = self._find(place)
            if len(self._found) < REMEMBERED_PLACES:
                self._found[place] = found
        return found

    def _find(self, place: Place) -> C | NoCity:
        try:
            return self.find(place)
        except UnusableName:
            return NoCity("city", "must have a letter or a digit")
        except UnknownCity:
            return NoCity("city_id", "is no city's id")
