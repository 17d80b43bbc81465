"""The picture of the map: a circle for each city, a slice of it for each cluster."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

from app.domain.rooms.city_counts import CityCount
from app.pages.map.outline_builder import FILE
from app.pages.map.projection import WIDTH, project

OUTLINE: dict[str, str] = json.loads(FILE.read_text())
# Of the picture's width: the largest circle, and the smallest that can still be seen.
LARGEST, SMALLEST = 0.035, 0.004
# Twice as wide as high, as the whole world is; one country is shown with what is around it.
NARROWEST, MARGIN = WIDTH / 16, 1.2
SHAPE = 2


@dataclass(frozen=True, slots=True)
class Slice:
    """What of a city's circle belongs to a cluster: an SVG path, empty where it is all of it."""

    cluster: int
    path: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A city on the picture; its area grows with its members."""

    spot: CityCount
    x: float
    y: float
    radius: float
    slices: list[Slice]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The part of the world that has members: an SVG view box, and its circles, largest first."""

    left: float
    top: float
    width: float
    height: float
    circles: list[Circle]


def draw(spots: list[CityCount]) -> Drawing:
    """A picture of the cities that have a place on it."""
    placed = [
        (spot, *project(spot.latitude, spot.longitude))
        for spot in spots
        if spot.latitude is not None and spot.longitude is not None
    ]
    left, top, width = _frame([(x, y) for _, x, y in placed])
    most = max((spot.members for spot, _, _ in placed), default=1)
    circles = []
    for spot, x, y in placed:
        radius = width * max(SMALLEST, LARGEST * sqrt(spot.members / most))
        circles.append(Circle(spot, x, y, radius, list(_slices(spot, x, y, radius))))
    return Drawing(left, top, width, width / SHAPE, circles)


def _frame(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Left, top and width of what is shown: all the points, or the world when there are none."""
    if not points:
        return -WIDTH / 2, -WIDTH / 2 / SHAPE, WIDTH
    xs, ys = zip(*points, strict=True)
    width = max(max(xs) - min(xs), SHAPE * (max(ys) - min(ys)))
    width = min(WIDTH, max(NARROWEST, width * MARGIN))
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return middle_x - width / 2, middle_y - width / SHAPE / 2, width


def _slices(spot: CityCount, x: float, y: float, radius: float) -> Iterator[Slice]:
    if len(spot.counts) == 1:
        yield from (Slice(cluster, "") for cluster in spot.counts)
        return
    turned = 0.0
    for cluster, members in spot.counts.items():
        before, turned = turned, turned + members / spot.members
        start, end = _on_circle(x, y, radius, before), _on_circle(x, y, radius, turned)
        is_large = int(turned - before > 0.5)
        arc = f"A{radius:.2f} {radius:.2f} 0 {is_large} 1 {end}"
        yield Slice(cluster, f"M{x:.2f} {y:.2f}L{start}{arc}z")


def _on_circle(x: float, y: float, radius: float, turn: float) -> str:
    # Clockwise from the top, as people read a clock.
    return f"{x + radius * sin(2 * pi * turn):.2f} {y - radius * cos(2 * pi * turn):.2f}"
