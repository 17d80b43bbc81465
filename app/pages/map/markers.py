"""The circles of a map: one for each city, or for a city and the ones near it.

No circle covers another: cities within a circle's reach become part of it, and a circle that would
still touch another moves to the nearest free place.
"""

from collections import Counter
from dataclasses import dataclass
from math import hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from app.domain.rooms.city_counts import CityCount
from app.pages.map.frame import UNITS, Frame
from app.pages.map.projection import Lengths

# The share of the map that circles cover at most, and the limits of a radius, in drawing units.
INK = 0.04
MIN_RADIUS, MAX_RADIUS = 20.0, 85.0
# While circles are so crowded that one moves away from its city, all get radii so much smaller.
SHRINKS = (1.0, 0.8, 0.65)
# Cities outside are drawn so far from the edges, as the map has round corners.
CORNER = 3 * MIN_RADIUS
# Space between two circles.
GAP = 3.0
# So many of the largest cities keep a circle of their own, with a label.
LABELLED = 10
# A city joins a circle whose edge is nearer than this, at first; if there are too many circles,
# the distance grows by a factor.
MIN_DISTANCE, GROWTH = 1.5 * MIN_RADIUS, 1.3
ARROWS = "→↗↑↖←↙↓↘"

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Marker:
    """A circle, in drawing units, of one or more cities, largest first.

    `true_x`, `true_y`: where its first city is; `arrow`: the direction of what is outside the
    frame; `is_labelled`: one of the largest cities; `counts`: members by cluster.
    """

    city_counts: list[CityCount]
    counts: dict[int, int]
    members: int
    true_x: float
    true_y: float
    radius: float
    is_labelled: bool
    arrow: str
    x: float = 0.0
    y: float = 0.0

    @property
    def first(self) -> CityCount:
        return self.city_counts[0]

    @property
    def is_area(self) -> bool:
        return self.first.city.kind == "area"

    @property
    def is_moved(self) -> bool:
        """Return whether the circle is so far from its city that a line must connect them."""
        return hypot(self.x - self.true_x, self.y - self.true_y) > self.radius + GAP


def place_markers(
    frame: Frame, inside: list[CityCount], outside: list[CityCount], max_markers: int
) -> list[Marker]:
    """Return the circles of cities, the largest first; cities outside are drawn at the edge."""
    cities = [*inside, *outside]
    if not cities:
        return []
    members = np.array([count.members for count in cities], dtype=float)
    order = np.argsort(-members, kind="stable")
    cities, members = [cities[i] for i in order], members[order]
    x, y = frame.place(*np.array(_coordinates(cities), dtype=float).T)
    arrows = _arrows(frame, x, y)
    margin = np.where(np.array(arrows) != "", CORNER, MIN_RADIUS)
    x, y = np.clip(x, margin, UNITS - margin), np.clip(y, margin, frame.height - margin)
    # Only circles of the same kind become one.
    is_area = np.array([city.city.kind == "area" for city in cities])
    kinds = np.where(np.array(arrows) != "", 2, is_area.astype(int))
    nearest = MIN_DISTANCE
    for shrink in SHRINKS:
        groups, scale, nearest = _grouped(x, y, members, kinds, frame, max_markers, shrink, nearest)
        markers = []
        for group in groups:
            first, total = group[0], int(members[group].sum())
            parts = [cities[i] for i in group]
            place = float(x[first]), float(y[first]), _radius(total, scale)
            is_labelled = first < LABELLED
            markers.append(Marker(parts, _total(parts), total, *place, is_labelled, arrows[first]))
        markers.sort(key=lambda marker: -marker.members)
        _move_apart(markers, frame.height)
        if not any(marker.is_moved for marker in markers):
            break
    return markers


def _total(cities: list[CityCount]) -> dict[int, int]:
    """Return the members of cities by cluster."""
    total: Counter[int] = Counter()
    for city in cities:
        total.update(city.counts)
    return dict(sorted(total.items()))


def _arrows(frame: Frame, x: Lengths, y: Lengths) -> list[str]:
    """Return an arrow to each point outside the frame, and nothing for the others."""
    is_outside = (x < 0) | (x > UNITS) | (y < 0) | (y > frame.height)
    turns = np.rint(np.arctan2(frame.height / 2 - y, x - UNITS / 2) / (pi / 4)).astype(int) % 8
    return [ARROWS[turn] if out else "" for turn, out in zip(turns, is_outside, strict=True)]


def _coordinates(cities: list[CityCount]) -> list[tuple[float | None, float | None]]:
    return [(city.latitude, city.longitude) for city in cities]


def _radius(members: float, scale: float) -> float:
    return min(MAX_RADIUS, max(MIN_RADIUS, scale * sqrt(members)))


def _grouped(
    x: Lengths,
    y: Lengths,
    members: Lengths,
    kinds: NDArray[np.int_],
    frame: Frame,
    max_markers: int,
    shrink: float,
    nearest: float,
) -> tuple[list[list[int]], float, float]:
    """Return the indexes of the cities of each circle, the radius of one member's, and the distance
    at which cities became part of a circle.
    """
    scale = shrink * sqrt(INK * UNITS * frame.height / pi / members.sum())
    scale = min(scale, shrink * MAX_RADIUS / sqrt(members[0]))
    while True:
        groups = _groups(x, y, members, kinds, scale, nearest, max_markers)
        if groups is None:
            nearest *= GROWTH
            continue
        largest = max(members[group].sum() for group in groups)
        if scale * sqrt(largest) <= shrink * MAX_RADIUS * 1.01:
            return groups, scale, nearest
        # Circles that became larger than the largest may be: all shrink.
        scale = shrink * MAX_RADIUS / sqrt(largest)


def _groups(
    x: Lengths,
    y: Lengths,
    members: Lengths,
    kinds: NDArray[np.int_],
    scale: float,
    nearest: float,
    max_markers: int,
) -> list[list[int]] | None:
    """Return the indexes of the cities of each circle; None if they are too many circles."""
    free = np.ones(len(x), dtype=bool)
    joinable = np.arange(len(x)) >= LABELLED
    groups: list[list[int]] = []
    for i in range(len(x)):
        if not free[i]:
            continue
        if len(groups) == max_markers:
            return None
        free[i] = False
        group, total = [i], members[i]
        distance = np.hypot(x - x[i], y - y[i])
        candidates = np.flatnonzero(free & joinable & (kinds == kinds[i]))
        while True:
            reach = _radius(float(total), scale) + nearest
            near = candidates[distance[candidates] < reach]
            if not len(near):
                break
            group += near.tolist()
            total += members[near].sum()
            free[near] = False
            candidates = candidates[distance[candidates] >= reach]
        groups.append(group)
    return groups


def _spiral() -> Lengths:
    """Return steps to try around a point, in smallest radii, the nearest first."""
    rings = [
        [(0.5 * ring * np.cos(angle), 0.5 * ring * np.sin(angle)) for angle in angles]
        for ring in range(1, 61)
        for angles in [np.arange(0, 2 * pi, 2 * pi / min(48, 6 + 2 * ring))]
    ]
    return np.array([(0.0, 0.0), *(step for ring in rings for step in ring)])


STEPS = _spiral()


def _move_apart(markers: list[Marker], height: float) -> None:
    """Place the circles one after another, each where it covers no earlier one."""
    placed = np.empty((0, 3))
    for marker in markers:
        r = marker.radius + GAP
        # Most circles stay where they are, and most others move little.
        for count in (1, 200, len(STEPS)):
            x = np.clip(marker.true_x + MIN_RADIUS * STEPS[:count, 0], r, UNITS - r)
            y = np.clip(marker.true_y + MIN_RADIUS * STEPS[:count, 1], r, height - r)
            distance = np.hypot(x[:, None] - placed[:, 0], y[:, None] - placed[:, 1])
            space = (distance - placed[:, 2]).min(axis=1, initial=np.inf) - r
            if (space >= 0).any():
                break
        best = int(np.argmax(space >= 0 if (space >= 0).any() else space))
        marker.x, marker.y = float(x[best]), float(y[best])
        placed = np.append(placed, [[marker.x, marker.y, marker.radius]], axis=0)
