"""The labels of the largest cities, each beside its circle where it hides least.

A label may be at any side of its circle, or farther away with a line to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.pages.map.frame import NARROW, UNITS, WIDE, Frame
from app.pages.map.markers import MIN_RADIUS, Marker
from app.pages.map.projection import Lengths


@dataclass(frozen=True, slots=True)
class Screen:
    """A width of the map, and of a label's letter and line there, in CSS pixels."""

    name: str
    width: int
    aspect_ratio: float
    line: int
    letter: float
    has_count: bool


# The labels of a screen are for all widths up to the next one's.
SCREENS = (
    Screen("small", 300, NARROW, 14, 7.2, has_count=False),
    Screen("medium", 680, WIDE, 18, 9.2, has_count=True),
    Screen("large", 960, WIDE, 18, 9.2, has_count=True),
)
# A longer name is cut if that hides less.
MAX_LETTERS = 14
PADDING_PX = 4
# Sixteen directions, in turns, and distances from the circle in lines; beyond 0 with a line to it.
DIRECTIONS = np.arange(16) / 16
DISTANCES = np.array([0.0, 0.8, 1.5, 2.2, 3.0, 4.0, 5.5])
# What a place costs: by direction (clockwise from the right), by distance, for a cut name, and for
# what it hides or its line crosses.
DIRECTION_COSTS = np.array([0, 3, 2, 3, 1, 3, 2, 3, 0.5, 3, 2, 3, 1, 3, 2, 3])
LEADER_COST, DISTANCE_COST = 24.0, 14.0
CUT_COST = 12.0
NEAR_COST, NEAR_PX = 3.0, 8
CIRCLE_COST, DEPTH_COST, MIDDLE_COST = 6.0, 30.0, 400.0
LABEL_COST, LINE_COST, OUTSIDE_COST = 2_000.0, 60.0, 10_000.0
# So many places of a label are compared with those of the others.
MAX_PLACES = 40
LINE_POINTS = np.linspace(0, 1, 7)[:, None]

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Label:
    """A text at x, y in drawing units, which are `left` and `top` percent of its screen's map.

    `dx`, `dy`: from there to the middle of the text's one end, in CSS pixels; `anchor`: SVG's
    text-anchor.
    """

    marker: Marker
    screen: str
    text: str
    x: float
    y: float
    left: float
    top: float
    dx: int
    dy: int
    anchor: str
    has_leader: bool


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of a label: x, y, dx, dy, has_leader of each, its box and its cost.

    `lines`: points on the way from the circle's middle to x, y.
    """

    text: list[str]
    x: Lengths
    y: Lengths
    dx: Lengths
    dy: Lengths
    has_leader: NDArray[np.bool_]
    boxes: Boxes
    lines: NDArray[np.float64]
    costs: Lengths


def place_labels(markers: list[Marker], frame: Frame) -> Iterator[Label]:
    """Return the labels of the largest cities, for each kind of screen."""
    circles = np.array([(marker.x, marker.y, marker.radius) for marker in markers]).reshape(-1, 3)
    labelled = [i for i, marker in enumerate(markers) if marker.is_labelled]
    for screen in SCREENS:
        width, height = frame.shown(screen.aspect_ratio)
        left, top = (UNITS - width) / 2, (frame.height - height) / 2
        edges = left, top, left + width, top + height
        every = [
            _places(markers[i], screen, np.delete(circles, i, axis=0), edges) for i in labelled
        ]
        for i, places, chosen in zip(labelled, every, _choose(every), strict=True):
            x, y, dx = (float(axis[chosen]) for axis in (places.x, places.y, places.dx))
            yield Label(
                markers[i],
                screen.name,
                places.text[chosen],
                x,
                y,
                100 * (x - left) / width,
                100 * (y - top) / height,
                round(dx),
                round(float(places.dy[chosen])),
                "start" if dx > 0 else "end" if dx < 0 else "middle",
                bool(places.has_leader[chosen]),
            )


def _choose(every: list[_Places]) -> list[int]:
    """Return the index of each label's place, such that together they cost least.

    One label after another takes the best place among the others, twice; each is the first once.
    """
    if not every:
        return []
    kept = np.array([np.argsort(places.costs, kind="stable")[:MAX_PLACES] for places in every])
    boxes = np.concatenate([p.boxes[k] for p, k in zip(every, kept, strict=True)])
    lines = np.concatenate([p.lines[k] for p, k in zip(every, kept, strict=True)])
    costs = np.stack([p.costs[k] for p, k in zip(every, kept, strict=True)])
    # The largest cities have the best places.
    costs *= np.linspace(2, 1, len(every))[:, None]
    crossings = LINE_COST * _contain(boxes[:, None], lines)
    pairs = LABEL_COST * _overlap(boxes[:, None], boxes) + crossings + crossings.T
    pairs += LINE_COST * _cross(lines)
    pairs = pairs.reshape(*kept.shape, -1)
    results = []
    for first in range(len(every)):
        chosen: dict[int, int] = {}
        for i in 2 * [*range(first, len(every)), *range(first)]:
            others = [j * MAX_PLACES + place for j, place in chosen.items() if j != i]
            chosen[i] = int(np.argmin(costs[i] + pairs[i][:, others].sum(axis=1)))
        every_place = [i * MAX_PLACES + chosen[i] for i in range(len(every))]
        total = sum(
            costs[i, place] + pairs[i, place, every_place[:i]].sum() for i, place in chosen.items()
        )
        results.append((float(total), [int(kept[i, chosen[i]]) for i in range(len(every))]))
    return min(results)[1]


def _texts(marker: Marker, screen: Screen) -> list[str]:
    """Return what a label may be: the whole name, and a part of a long one."""
    name = marker.first.city.name
    names = [name]
    if len(name) > MAX_LETTERS:
        names.append(name[: MAX_LETTERS - 1].rstrip() + "…")
    more = len(marker.city_counts) - 1
    count = f" +{more}" if more and screen.has_count else ""
    return [f"{marker.arrow} {name}{count}".strip() for name in names]


def _places(marker: Marker, screen: Screen, others: Lengths, edges: tuple[float, ...]) -> _Places:
    """Return the places of a label around its circle.

    `others`: x, y and radius of the other circles; `edges`: left, top, right and bottom.
    """
    texts = _texts(marker, screen)
    left, top, right, bottom = edges
    pixel = (right - left) / screen.width
    grid = np.meshgrid(np.arange(len(texts)), DISTANCES, np.arange(len(DIRECTIONS)), indexing="ij")
    text, distance, direction = (axis.ravel() for axis in grid)
    text, direction = text.astype(int), direction.astype(int)
    across = np.cos(2 * np.pi * DIRECTIONS[direction])
    down = np.sin(2 * np.pi * DIRECTIONS[direction])
    away = marker.radius + distance * screen.line * pixel
    x, y = marker.x + away * across, marker.y + away * down
    dx = PADDING_PX * np.where(np.abs(across) < 0.1, 0, np.sign(across))
    dy = screen.line / 2 * down
    width = np.array([len(text) for text in texts])[text] * screen.letter
    ends = np.where(dx == 0, -width / 2, np.where(dx > 0, dx, dx - width))
    start, upper = x + ends * pixel, y + (dy - screen.line / 2) * pixel
    boxes = np.stack([start, upper, start + width * pixel, upper + screen.line * pixel], axis=1)
    has_leader = distance > 0
    is_outside = (
        (boxes[:, 0] < left + PADDING_PX * pixel)
        | (boxes[:, 2] > right - PADDING_PX * pixel)
        | (boxes[:, 1] < top)
        | (boxes[:, 3] > bottom)
    )
    costs = DIRECTION_COSTS[direction] + DISTANCE_COST * distance + LEADER_COST * has_leader
    costs += CUT_COST * text + OUTSIDE_COST * is_outside + _hidden(boxes, others, pixel)
    costs += has_leader * _crossed((marker.x, marker.y), x, y, others)
    points = np.stack([x, y], axis=1)[:, None] * LINE_POINTS
    lines = points + np.array([marker.x, marker.y]) * (1 - LINE_POINTS)
    return _Places([texts[i] for i in text], x, y, dx, dy, has_leader, boxes, lines, costs)


def _overlap(a: Boxes, b: Boxes) -> NDArray[np.bool_]:
    """Return which boxes overlap."""
    is_across = (a[..., 0] < b[..., 2]) & (b[..., 0] < a[..., 2])
    return is_across & (a[..., 1] < b[..., 3]) & (b[..., 1] < a[..., 3])


def _contain(boxes: Boxes, lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes contain a point of a line."""
    points = lines[..., [0, 1, 0, 1]]
    return np.asarray(_overlap(boxes[..., None, :], points).any(axis=-1))


def _cross(lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of some lines cross."""
    start, end = lines[:, 0], lines[:, -1]
    across, down = (end - start).T[..., None]
    (start_x, start_y), (end_x, end_y) = (
        (points - start[:, None]).transpose(2, 0, 1) for points in (start, end)
    )
    is_between = (across * start_y - down * start_x) * (across * end_y - down * end_x) < 0
    return np.asarray(is_between & is_between.T)


def _hidden(boxes: Boxes, circles: Lengths, pixel: float) -> Lengths:
    """Return the costs of what boxes hide of circles: most for their middles."""
    x, y, radius = circles.T
    dx = np.maximum(np.maximum(boxes[:, :1] - x, x - boxes[:, 2:3]), 0)
    dy = np.maximum(np.maximum(boxes[:, 1:2] - y, y - boxes[:, 3:]), 0)
    distance = np.hypot(dx, dy)
    # Beside another circle, above all a large one, a label seems to be that one's.
    is_near = distance < radius + NEAR_PX * pixel
    near = NEAR_COST * (is_near * (radius / MIN_RADIUS) ** 2).sum(axis=1)
    return np.asarray(near + _depth_costs(distance, radius + PADDING_PX / 2 * pixel))


def _crossed(middle: tuple[float, float], x: Lengths, y: Lengths, circles: Lengths) -> Lengths:
    """Return the costs of what lines from the middle of a circle to points cross of others."""
    dx, dy = x - middle[0], y - middle[1]
    circle_x, circle_y = circles[:, 0] - middle[0], circles[:, 1] - middle[1]
    along = np.outer(dx, circle_x) + np.outer(dy, circle_y)
    share = np.clip(along / (dx**2 + dy**2)[:, None], 0, 1)
    distance = np.hypot(share * dx[:, None] - circle_x, share * dy[:, None] - circle_y)
    return _depth_costs(distance, circles[:, 2])


def _depth_costs(distance: Lengths, reach: Lengths) -> Lengths:
    """Return the costs of being nearer to the middles of circles than a reach."""
    depth = 1 - distance / reach
    # Of a large circle the same share is more.
    costs = (CIRCLE_COST + DEPTH_COST * depth) * reach / MIN_RADIUS + MIDDLE_COST * (depth > 0.75)
    return np.asarray(np.where(depth > 0, costs, 0).sum(axis=1))
