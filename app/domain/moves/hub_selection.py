"""Chooses which small towns share the rooms of which hub; does not use the database.

Every city with enough members is a hub. Where none is within the radius, towns become hubs one at a
time, each time the town that brings most people into rooms of 5 (Chvátal, "A greedy heuristic for
the set-covering problem", 1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

EARTH_KM = 6371.0088
# People in smaller rooms are lonely.
MIN_LIVELY_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class Town:
    """A town; `members`: by cluster, the people who entered this town as their city."""

    members: Mapping[int, int]
    id: int
    name: str
    country: str
    latitude: float
    longitude: float
    population: int
    hub_id: int | None

    @property
    def people(self) -> int:
        return sum(self.members.values())


@dataclass(frozen=True, slots=True)
class Gathering:
    """A town that would share the rooms of a hub, and its distance to the hub."""

    town: Town
    hub: Town
    km: float


def choose_hubs(towns: Sequence[Town], radius_km: float, min_members: int) -> dict[int, Gathering]:
    """Return, by town id, the hub of its country and within the radius that it should join.

    Towns that have a hub keep it, and hubs remain hubs. The order of `towns` does not matter.
    """
    gatherings: dict[int, Gathering] = {}
    ordered = sorted(towns, key=lambda town: (town.country, town.id))
    for _, group in groupby(ordered, key=lambda town: town.country):
        region = _Region(list(group), radius_km, min_members)
        # Repeat for new hubs that lost all their towns to better ones: they may join a hub too.
        while region.assign_free_towns():
            pass
        gatherings |= region.gatherings()
    return gatherings


class _Region:
    """The n towns of a country, by index: neighbours, hubs, and the hub of each gathered town."""

    def __init__(self, towns: list[Town], radius_km: float, min_members: int) -> None:
        self.towns = towns
        self.near = _neighbours(towns, radius_km)
        clusters = sorted({cluster for town in towns for cluster in town.members})
        # (n, clusters): each town's members, and the members that its rooms would have.
        self.members = np.array(
            [[town.members.get(cluster, 0) for cluster in clusters] for town in towns], dtype=int
        ).reshape(len(towns), len(clusters))
        self.rooms = self.members.copy()
        index_of = {town.id: index for index, town in enumerate(towns)}
        hub_ids = {town.hub_id for town in towns if town.hub_id}
        self.hubs, self.free = set[int](), set[int]()
        for index, town in enumerate(towns):
            if town.hub_id is not None:
                if town.hub_id in index_of:
                    self._move_members(index, index_of[town.hub_id])
            elif town.id in hub_ids or town.people >= min_members:
                self.hubs.add(index)
            elif town.people:
                self.free.add(index)
        self.hub_of: dict[int, int] = {}

    def assign_free_towns(self) -> bool:
        """Assign free towns to hubs; return whether any was assigned."""
        new = self._choose_new_hubs()
        hubs = self.hubs | new
        hub_of: dict[int, int] = {}
        for town in sorted(self.free - new):
            nearest = next((other for other in self.near[town] if other in hubs), None)
            if nearest is not None:
                hub_of[town] = nearest
                self._move_members(town, nearest)
        self._improve(hub_of, hubs)
        self.hub_of |= hub_of
        self.hubs |= set(hub_of.values())
        self.free -= self.hubs | set(hub_of)
        return bool(hub_of)

    def gatherings(self) -> dict[int, Gathering]:
        return {
            self.towns[town].id: Gathering(self.towns[town], self.towns[hub], self.near[town][hub])
            for town, hub in self.hub_of.items()
        }

    def _choose_new_hubs(self) -> set[int]:
        """Return hubs for the free towns that have none within the radius."""
        open_towns = {town for town in self.free if not self.hubs & self.near[town].keys()}
        near = {town: [o for o in self.near[town] if o in open_towns] for town in open_towns}
        scores = {town: self._score(town, near[town]) for town in near if len(near[town]) > 1}
        new: set[int] = set()
        while scores:
            hub = max(scores, key=lambda town: scores[town])
            new.add(hub)
            covered = set(near[hub])
            for town in {other for one in covered for other in near[one]}:
                near[town] = [other for other in near[town] if other not in covered]
                scores.pop(town, None)
                if town not in covered and len(near[town]) > 1:
                    scores[town] = self._score(town, near[town])
        return new

    def _score(self, index: int, near: list[int]) -> tuple[int, int, int, int, int]:
        """Rank by people in rooms of 5, people, the town's own people, and its population."""
        members = self.members[near].sum(axis=0)
        town, lively = self.towns[index], int(_lively_members(members))
        return (lively, int(members.sum()), town.people, town.population, -town.id)

    def _improve(self, hub_of: dict[int, int], hubs: set[int]) -> None:
        """Move each town to the hub where it helps most people, the nearest of equals.

        The loop ends: each move brings more people into rooms of 5, or as many with a shorter way.
        """
        options = {town: [other for other in self.near[town] if other in hubs] for town in hub_of}
        moved = True
        while moved:
            moved = False
            for town, hub in hub_of.items():
                if len(options[town]) > 1:
                    self.rooms[hub] -= self.members[town]
                    without = self.rooms[options[town]]
                    gains = _lively_members(without + self.members[town]) - _lively_members(without)
                    hub_of[town] = options[town][int(gains.argmax())]
                    self.rooms[hub_of[town]] += self.members[town]
                    moved = moved or hub_of[town] != hub

    def _move_members(self, town: int, hub: int) -> None:
        self.rooms[town] -= self.members[town]
        self.rooms[hub] += self.members[town]


def _lively_members(rooms: NDArray[np.int_]) -> NDArray[np.int_]:
    """Sum the people in rooms of 5 and more over the last axis, the rooms of one city."""
    people: NDArray[np.int_] = np.where(rooms >= MIN_LIVELY_MEMBERS, rooms, 0).sum(axis=-1)
    return people


def _neighbours(towns: Sequence[Town], radius_km: float) -> list[dict[int, float]]:
    """Return, for each town, the distance in km of those within the radius, the nearest first.

    Great-circle distance (haversine) on a ball tree (Omohundro 1989).
    """
    from sklearn.neighbors import BallTree

    coordinates = np.radians([[town.latitude, town.longitude] for town in towns])
    indices, radians = BallTree(coordinates, metric="haversine").query_radius(
        coordinates, radius_km / EARTH_KM, return_distance=True, sort_results=True
    )
    return [
        dict(
            zip(map(int, row), (float(distance) * EARTH_KM for distance in distances), strict=True)
        )
        for row, distances in zip(indices, radians, strict=True)
    ]
