"""The land and the borders of a frame, finer the closer it is.

outline.npz, made by outline_builder.py, contains lines one after another, rings of land first:
`steps` (from point to point, longitude and latitude, in 1/STEPS_PER_DEGREE degrees; the first of a
line from zero), `levels` (the coarsest level that a point belongs to), `lengths` (points of each
line) and `rings` (the number of lines that are rings).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.pages.map.frame import Frame
from app.pages.map.projection import WIDTH, Lengths

FILE = Path(__file__).with_name("outline.npz")
STEPS_PER_DEGREE = 100
# Level n is for frames of WIDTH / 2^n map units and less.
LEVELS = 6
# A triangle of a line that is smaller than this at its level, in thousandths of the frame's width,
# squared, is left out: about one pixel.
MIN_TRIANGLE = 0.6
# A frame is drawn often, with other cities.
MAX_CACHED_OUTLINES = 32


@dataclass(frozen=True, slots=True)
class Outline:
    """SVG paths in drawing units: `land` to fill, `borders` to stroke."""

    land: str
    borders: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A ring or a border: longitude and latitude of its points, and their levels."""

    points: Lengths
    levels: NDArray[np.uint8]
    west: float
    east: float
    south: float
    north: float


def smallest_area(level: int) -> float:
    """Return the area of the smallest triangle that a level keeps, in square map units."""
    return float(MIN_TRIANGLE * (WIDTH / 2**level / 1000) ** 2)


@lru_cache(maxsize=1)
def _lines() -> tuple[list[_Line], list[_Line]]:
    with np.load(FILE) as file:
        steps, levels, lengths = file["steps"], file["levels"], file["lengths"]
        rings = int(file["rings"])
    ends = np.cumsum(lengths)
    lines = []
    for start, end in zip(ends - lengths, ends, strict=True):
        points = np.cumsum(steps[:, start:end], axis=1) / STEPS_PER_DEGREE
        (west, south), (east, north) = points.min(axis=1), points.max(axis=1)
        lines.append(_Line(points, levels[start:end], west, east, south, north))
    return lines[:rings], lines[rings:]


@lru_cache(maxsize=MAX_CACHED_OUTLINES)
def outline_of(frame: Frame) -> Outline:
    """Return the land and borders of a frame."""
    land, borders = _lines()
    return Outline(
        "".join(_paths(frame, land, is_ring=True)), "".join(_paths(frame, borders, is_ring=False))
    )


def _paths(frame: Frame, lines: list[_Line], *, is_ring: bool) -> list[str]:
    west, south, east, north = frame.bounds()
    level = min(LEVELS - 1, max(0, round(float(np.log2(WIDTH / frame.width)))))
    paths = []
    for line in lines:
        if line.north < south or line.south > north:
            continue
        # A line is at each longitude once a turn, and the frame shows one turn at most.
        first = int(np.ceil((west + frame.middle - line.east) / 360))
        last = int(np.floor((east + frame.middle - line.west) / 360))
        for turn in range(first, last + 1):
            kept = line.levels <= level
            points = np.stack(
                [line.points[0][kept] + (360 * turn - frame.middle), line.points[1][kept]]
            )
            for part in (
                _clipped_ring(points, (west, south, east, north))
                if is_ring
                else _clipped_line(points, (west, south, east, north))
            ):
                paths.append(_path(frame, part, "z" if is_ring else ""))
    return paths


Box = tuple[float, float, float, float]


def _clipped_ring(points: Lengths, box: Box) -> list[Lengths]:
    """Return the part of a ring in a box: Sutherland and Hodgman, Reentrant polygon clipping,
    Communications of the ACM 17(1), 1974.
    """
    for axis, limit, sign in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        if points.shape[1] < 3:
            return []
        inside = sign * (points[axis] - limit) >= 0
        if inside.all():
            continue
        after = np.roll(points, -1, axis=1)
        crosses = inside != np.roll(inside, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(crosses, (limit - points[axis]) / (after[axis] - points[axis]), 0)
        crossing = points + share * (after - points)
        both = np.stack([points, crossing], axis=2).reshape(2, -1)
        points = both[:, np.stack([inside, crosses], axis=1).reshape(-1)]
    return [points] if points.shape[1] >= 3 else []


def _clipped_line(points: Lengths, box: Box) -> list[Lengths]:
    """Return the parts of a line in a box, each with the points before and after."""
    inside = (
        (points[0] >= box[0])
        & (points[0] <= box[2])
        & (points[1] >= box[1])
        & (points[1] <= box[3])
    )
    near = inside | np.append(inside[1:], False) | np.append(False, inside[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(int)))
    return [
        points[:, start:end]
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if end - start > 1
    ]


def _path(frame: Frame, points: Lengths, end: str) -> str:
    """Return an SVG path in whole drawing units; empty for what is too small to see."""
    x, y = (np.rint(axis).astype(int) for axis in frame.place_east(points[1], points[0]))
    moved = np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))
    x, y = x[moved], y[moved]
    if len(x) < (3 if end else 2):
        return ""
    steps = " ".join(
        f"{a} {b}" for a, b in zip(np.diff(x).tolist(), np.diff(y).tolist(), strict=True)
    )
    return f"M{x[0]} {y[0]}l{steps}{end}".replace(" -", "-")
