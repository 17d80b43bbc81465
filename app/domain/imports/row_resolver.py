"""Resolves the city and cluster of each row, or states why it has none."""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.domain.cities.city import Place
from app.domain.cities.repository import NoPlace, UnknownCity, UnusableName
from app.domain.imports.row_parser import MAX_CACHED_PLACES, Reject, UserRow
from model.predict import Model

C = TypeVar("C")

MAX_KEYS_IN_REASON = 3


class NoCity(NamedTuple):
    """Why a place names no city, and which of its fields is at fault."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResolvedChunk(Generic[C]):
    """Some rows: the valid users, each with a city and a cluster, and the rejects."""

    users: list[UserRow]
    cities: list[C]
    clusters: list[int]
    rejects: list[Reject]

    @property
    def read(self) -> int:
        return len(self.users) + len(self.rejects)


class RowResolver(Generic[C]):
    """Gives users their city and cluster by the rules of POST /rooms.

    `find_city`: returns what represents a place's city, and is called once for each place. It may
    raise UnusableName and UnknownCity. `unknown_interests`: users by key that the model lacks.
    """

    def __init__(self, model: Model, find_city: Callable[[Place], C]) -> None:
        self.model = model
        self.find_city = find_city
        self._columns = {key: position for position, key in enumerate(model.interests)}
        self._cities: dict[Place, C | NoCity] = {}
        self.unknown_interests: Counter[str] = Counter()

    def resolve(self, rows: Iterable[UserRow | Reject]) -> ResolvedChunk[C]:
        """Return the rows' users and rejects, both in the order of their lines.

        Raises DatabaseUnavailable.
        """
        rows = list(rows)
        profiles = self._profiles(rows)
        known_interests = profiles.sum(axis=1).tolist()
        users: list[UserRow] = []
        cities: list[C] = []
        rejects: list[Reject] = []
        positions: list[int] = []
        for position, row in enumerate(rows):
            if isinstance(row, Reject):
                rejects.append(row)
                continue
            if len(row.interests) != known_interests[position]:
                self.unknown_interests.update(set(row.interests).difference(self._columns))
            if not known_interests[position]:
                reason = _no_interests(row.interests)
                rejects.append(Reject(row.line, row.user_id, "interests", reason))
                continue
            city = self._city(row.place)
            if isinstance(city, NoCity):
                rejects.append(Reject(row.line, row.user_id, city.field, city.reason))
                continue
            users.append(row)
            cities.append(city)
            positions.append(position)
        clusters = self.model.predict_many(profiles[positions]).tolist()
        return ResolvedChunk(users, cities, clusters, rejects)

    def forget(self, cities: Container[C]) -> None:
        """Look the places of some cities up again: the cities were removed."""
        for place in [place for place, city in self._cities.items() if city in cities]:
            del self._cities[place]

    def _profiles(self, rows: list[UserRow | Reject]) -> NDArray[np.bool_]:
        """Return profiles (rows, interests); rejects and unknown keys are all False."""
        column = self._columns
        selected = [
            [column[key] for key in row.interests if key in column]
            if isinstance(row, UserRow)
            else []
            for row in rows
        ]
        profiles = np.zeros((len(rows), len(column)), dtype=np.bool_)
        lengths = [len(columns) for columns in selected]
        row_numbers = np.repeat(np.arange(len(rows)), lengths)
        profiles[row_numbers, list(chain.from_iterable(selected))] = True
        return profiles

    def _city(self, place: Place) -> C | NoCity:
        city = self._cities.get(place)
        if city is None:
            city = self._find_city(place)
            if len(self._cities) < MAX_CACHED_PLACES:
                self._cities[place] = city
        return city

    def _find_city(self, place: Place) -> C | NoCity:
        try:
            return self.find_city(place)
        except NoPlace:
            return NoCity("city", f"is empty: {place.name}")
        except UnusableName as error:
            return NoCity("city", error.reason)
        except UnknownCity:
            return NoCity("city_id", "no city has this id")


def _no_interests(unknown: tuple[str, ...]) -> str:
    """Return why a user with these keys, all unknown to the model, has no cluster."""
    if not unknown:
        return "no interest is selected"
    further = len(unknown) - MAX_KEYS_IN_REASON
    more = f" and {further} more" if further > 0 else ""
    named = ", ".join(unknown[:MAX_KEYS_IN_REASON])
    return f"no selected interest is known to the model: {named}{more}"
