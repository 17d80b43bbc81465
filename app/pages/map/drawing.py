"""The drawing of the map: a circle for each city, a slice of it for each cluster."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

from app.domain.rooms.city_counts import CityCount
from app.pages.map.outline_builder import FILE
from app.pages.map.projection import WIDTH, project

OUTLINE: dict[str, str] = json.loads(FILE.read_text())
# As shares of the drawing's width; a smaller circle could not be seen.
MAX_RADIUS, MIN_RADIUS = 0.035, 0.004
# A single country is shown with its surroundings.
MIN_WIDTH, MARGIN_FACTOR = WIDTH / 16, 1.2
# Width to height, as of the whole world.
ASPECT_RATIO = 2


@dataclass(frozen=True, slots=True)
class Slice:
    """A cluster's slice of a city's circle: an SVG path, empty for the whole circle."""

    cluster: int
    path: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A city on the map; its area is proportional to its members."""

    city_count: CityCount
    x: float
    y: float
    radius: float
    slices: list[Slice]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The part of the world that has members: an SVG view box, and circles, largest first."""

    left: float
    top: float
    width: float
    height: float
    circles: list[Circle]


def draw(city_counts: list[CityCount]) -> Drawing:
    """Draw the cities that have coordinates."""
    points = [
        (city_count, *project(city_count.latitude, city_count.longitude))
        for city_count in city_counts
        if city_count.latitude is not None and city_count.longitude is not None
    ]
    left, top, width = _view_box([(x, y) for _, x, y in points])
    max_members = max((city_count.members for city_count, _, _ in points), default=1)
    circles = []
    for city_count, x, y in points:
        radius = width * max(MIN_RADIUS, MAX_RADIUS * sqrt(city_count.members / max_members))
        slices = list(_slices(city_count, x, y, radius))
        circles.append(Circle(city_count, x, y, radius, slices))
    return Drawing(left, top, width, width / ASPECT_RATIO, circles)


def _view_box(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return left, top and width of the part with all points; of the world without points."""
    if not points:
        return -WIDTH / 2, -WIDTH / 2 / ASPECT_RATIO, WIDTH
    xs, ys = zip(*points, strict=True)
    width = max(max(xs) - min(xs), ASPECT_RATIO * (max(ys) - min(ys)))
    width = min(WIDTH, max(MIN_WIDTH, width * MARGIN_FACTOR))
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return middle_x - width / 2, middle_y - width / ASPECT_RATIO / 2, width


def _slices(city_count: CityCount, x: float, y: float, radius: float) -> Iterator[Slice]:
    if len(city_count.counts) == 1:
        yield from (Slice(cluster, "") for cluster in city_count.counts)
        return
    end = 0.0
    for cluster, members in city_count.counts.items():
        start, end = end, end + members / city_count.members
        first, last = _on_circle(x, y, radius, start), _on_circle(x, y, radius, end)
        is_large = int(end - start > 0.5)
        arc = f"A{radius:.2f} {radius:.2f} 0 {is_large} 1 {last}"
        yield Slice(cluster, f"M{x:.2f} {y:.2f}L{first}{arc}z")


def _on_circle(x: float, y: float, radius: float, turn: float) -> str:
    """Return the point at a part of a turn, clockwise from the top."""
    return f"{x + radius * sin(2 * pi * turn):.2f} {y - radius * cos(2 * pi * turn):.2f}"
