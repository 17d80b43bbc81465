"""Which small towns would share the rooms of which hub. Reads and writes nothing.

Every city with enough members is a hub. Where none is in reach, towns become hubs one at a time,
each the one that brings most people into rooms of 5: the greedy way to cover places (Chvátal 1979,
"A greedy heuristic for the set-covering problem").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

EARTH_KM = 6371.0088
# Whoever is in a room of fewer is lonely.
MIN_LIVELY_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class Town:
    """A town as the plan sees it: `members`, by cluster, said they are there."""

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
    """A town that would share the rooms of a hub so far away."""

    town: Town
    hub: Town
    km: float


def choose_hubs(towns: Sequence[Town], radius_km: float, min_members: int) -> dict[int, Gathering]:
    """By town: the hub, of its own country and within the radius, that it would go to.

    Towns that have a hub keep it, and hubs stay hubs. The order of `towns` does not matter.
    """
    chosen: dict[int, Gathering] = {}
    ordered = sorted(towns, key=lambda town: (town.country, town.id))
    for _, here in groupby(ordered, key=lambda town: town.country):
        region = _Region(list(here), radius_km, min_members)
        # Again, for the hubs that lost all their towns to better ones: then nothing is left to do.
        while region.choose():
            pass
        chosen |= region.gatherings()
    return chosen


class _Region:
    """The n towns of a country, by number: who is near whom, who is a hub, who goes where."""

    def __init__(self, towns: list[Town], radius_km: float, min_members: int) -> None:
        self.towns = towns
        self.near = _neighbours(towns, radius_km)
        clusters = sorted({cluster for town in towns for cluster in town.members})
        # (n, clusters): who said each town, and who would be in its rooms.
        self.members = np.array(
            [[town.members.get(cluster, 0) for cluster in clusters] for town in towns], dtype=int
        ).reshape(len(towns), len(clusters))
        self.rooms = self.members.copy()
        numbers = {town.id: number for number, town in enumerate(towns)}
        hubs = {town.hub_id for town in towns if town.hub_id}
        self.hubs, self.free = set[int](), set[int]()
        for number, town in enumerate(towns):
            if town.hub_id is not None:
                if town.hub_id in numbers:
                    self._send(number, numbers[town.hub_id])
            elif town.id in hubs or town.people >= min_members:
                self.hubs.add(number)
            elif town.people:
                self.free.add(number)
        self.goes: dict[int, int] = {}

    def choose(self) -> bool:
        """Send the free towns to hubs; whether any went."""
        new = self._new_hubs()
        hubs = self.hubs | new
        goes: dict[int, int] = {}
        for town in sorted(self.free - new):
            nearest = next((other for other in self.near[town] if other in hubs), None)
            if nearest is not None:
                goes[town] = nearest
                self._send(town, nearest)
        self._improve(goes, hubs)
        self.goes |= goes
        self.hubs |= set(goes.values())
        self.free -= self.hubs | set(goes)
        return bool(goes)

    def gatherings(self) -> dict[int, Gathering]:
        return {
            self.towns[town].id: Gathering(self.towns[town], self.towns[hub], self.near[town][hub])
            for town, hub in self.goes.items()
        }

    def _new_hubs(self) -> set[int]:
        """Hubs for the free towns that have none in reach."""
        left = {town for town in self.free if not self.hubs & self.near[town].keys()}
        around = {town: [other for other in self.near[town] if other in left] for town in left}
        worth = {town: self._worth(town, around[town]) for town in left if len(around[town]) > 1}
        new: set[int] = set()
        while worth:
            hub = max(worth, key=lambda town: worth[town])
            new.add(hub)
            taken = set(around[hub])
            for town in {other for one in taken for other in around[one]}:
                around[town] = [other for other in around[town] if other not in taken]
                worth.pop(town, None)
                if town not in taken and len(around[town]) > 1:
                    worth[town] = self._worth(town, around[town])
        return new

    def _worth(self, town: int, around: list[int]) -> tuple[int, int, int, int, int]:
        """Most people in rooms of 5, then most people, then the place with most of its own."""
        together = self.members[around].sum(axis=0)
        it = self.towns[town]
        return (int(_in_company(together)), int(together.sum()), it.people, it.population, -it.id)

    def _improve(self, goes: dict[int, int], hubs: set[int]) -> None:
        """Let each town go to the hub in reach where it helps most people, the nearest of equals.

        Each move brings more people into rooms of 5, or as many with a shorter way: it ends.
        """
        reach = {town: [other for other in self.near[town] if other in hubs] for town in goes}
        moved = True
        while moved:
            moved = False
            for town, hub in goes.items():
                if len(reach[town]) > 1:
                    self.rooms[hub] -= self.members[town]
                    without = self.rooms[reach[town]]
                    gains = _in_company(without + self.members[town]) - _in_company(without)
                    goes[town] = reach[town][int(gains.argmax())]
                    self.rooms[goes[town]] += self.members[town]
                    moved = moved or goes[town] != hub

    def _send(self, town: int, hub: int) -> None:
        self.rooms[town] -= self.members[town]
        self.rooms[hub] += self.members[town]


def _in_company(rooms: NDArray[np.int_]) -> NDArray[np.int_]:
    """People in rooms that are not lonely: over the last axis, the rooms of one city."""
    people: NDArray[np.int_] = np.where(rooms >= MIN_LIVELY_MEMBERS, rooms, 0).sum(axis=-1)
    return people


def _neighbours(towns: Sequence[Town], radius_km: float) -> list[dict[int, float]]:
    """For each town those within the radius, the nearest first, and how many km away they are.

    Great-circle distance (haversine) on a ball tree (Omohundro 1989).
    """
    from sklearn.neighbors import BallTree

    places = np.radians([[town.latitude, town.longitude] for town in towns])
    tree = BallTree(places, metric="haversine")
    found, distances = tree.query_radius(
        places, radius_km / EARTH_KM, return_distance=True, sort_results=True
    )
    return [
        dict(zip(map(int, numbers), (float(d) * EARTH_KM for d in away), strict=True))
        for numbers, away in zip(found, distances, strict=True)
    ]
