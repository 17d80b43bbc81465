"""The labels of the largest cities: none covers another or the middle of a circle."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from app.pages.map.frame import UNITS
from app.pages.map.markers import Marker
from app.pages.map.projection import Lengths


@dataclass(frozen=True, slots=True)
class Screen:
    """A width of the map, and of a label's letter and line there, in CSS pixels."""

    name: str
    width: int
    line: int
    letter: float
    max_letters: int
    has_count: bool


# The phone's labels are for all widths up to the other's.
SCREENS = (
    Screen("narrow", 300, 14, 7.2, 14, has_count=False),
    Screen("wide", 680, 18, 9.2, 30, has_count=True),
)
# Distance of a label from its circle in lines, and its directions, the best first, in turns.
DISTANCES = (0.0, 0.6, 1.2, 1.8, 2.6, 3.4, 4.4, 5.4, 7.0)
DIRECTIONS = (0.0, 0.5, 0.75, 0.25, 0.875, 0.125, 0.625, 0.375)
PADDING_PX = 3
# A label this far from its circle, in lines, has a line to it.
MIN_LEADER = 0.9

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Label:
    """A text of which the middle of one end is at x, y; `anchor`: SVG's text-anchor."""

    marker: Marker
    screen: str
    text: str
    x: float
    y: float
    anchor: str
    has_leader: bool


def place_labels(markers: list[Marker], height: float) -> Iterator[Label]:
    """Return the labels of the largest cities, for each kind of screen."""
    circles = np.array([(marker.x, marker.y, marker.radius) for marker in markers]).reshape(-1, 3).T
    labelled = [marker for marker in markers if marker.is_labelled]
    for screen in SCREENS:
        taken: list[Box] = []
        for marker in labelled:
            label, box = _best(marker, screen, circles, taken, height)
            taken.append(box)
            yield label


def _text(marker: Marker, screen: Screen) -> str:
    name = marker.first.city.name
    if len(name) > screen.max_letters:
        name = name[: screen.max_letters - 1].rstrip() + "…"
    more = len(marker.city_counts) - 1
    count = f" +{more}" if more and screen.has_count else ""
    return f"{marker.arrow} {name}{count}".strip()


def _best(
    marker: Marker, screen: Screen, circles: Lengths, taken: list[Box], height: float
) -> tuple[Label, Box]:
    """Return the label at the place that hides least, and its box."""
    text = _text(marker, screen)
    best: tuple[float, Label, Box] | None = None
    for cost, x, y, anchor, has_leader, box in _candidates(marker, screen, text, height):
        hidden = cost + sum(1_000 for other in taken if _overlap(box, other))
        hidden += _hidden(box, circles)
        if best is None or hidden < best[0]:
            best = hidden, Label(marker, screen.name, text, x, y, anchor, has_leader), box
        # Later places cost more even if they hide nothing.
        if best[0] <= cost:
            break
    assert best is not None
    return best[1], best[2]


def _candidates(
    marker: Marker, screen: Screen, text: str, height: float
) -> Iterator[tuple[float, float, float, str, bool, Box]]:
    """Yield cost, x, y, anchor, leader and box of the places around a circle, in the frame."""
    pixel = UNITS / screen.width
    line, padding = screen.line * pixel, PADDING_PX * pixel
    width = len(text) * screen.letter * pixel
    for distance in DISTANCES:
        for order, direction in enumerate(DIRECTIONS):
            away = marker.radius + padding + distance * line
            dx, dy = cos(2 * pi * direction), sin(2 * pi * direction)
            x, y = marker.x + away * dx, marker.y + (away + abs(dy) * line / 2) * dy
            anchor = "middle" if abs(dx) < 0.1 else "start" if dx > 0 else "end"
            left = x - {"middle": width / 2, "start": 0, "end": width}[anchor]
            # Near an edge a label moves along it.
            shift = max(0, padding - left) - max(0, left + width + padding - UNITS)
            if shift and abs(dy) < 0.1:
                continue
            if not line / 2 <= y <= height - line / 2:
                continue
            box = left + shift, y - line / 2, left + shift + width, y + line / 2
            cost = 8 * distance + 0.1 * order + (1 if shift else 0)
            yield cost, x + shift, y, anchor, distance > MIN_LEADER, box


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _hidden(box: Box, circles: Lengths) -> float:
    """Return the cost of what a label hides of circles: most for their middles."""
    x, y, radius = circles
    dx = np.maximum(np.maximum(box[0] - x, x - box[2]), 0)
    dy = np.maximum(np.maximum(box[1] - y, y - box[3]), 0)
    distance = np.hypot(dx, dy)
    middle = 300.0 * (distance < radius / 4)
    return float(np.where(distance < radius, middle + 12 * (1 - distance / radius), 0).sum())
