"""Resolves the city and cluster of each row, or states why it has none."""

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
    raise UnusableName and UnknownCity.
    """

    def __init__(self, model: Model, find_city: Callable[[Place], C]) -> None:
        self.model = model
        self.find_city = find_city
        self._columns = {key: position for position, key in enumerate(model.interests)}
        self._cities: dict[Place, C | NoCity] = {}

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
            if not known_interests[position]:
                reason = "no selected interest is known to the model"
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
