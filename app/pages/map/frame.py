"""The part of the world that a map shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.pages.map.projection import WIDTH, Degrees, Lengths, east_of, project

# Drawing units across a frame, whatever part of the world it shows.
UNITS = 2_000
# Members far from the rest do not decide the frame.
KEPT_SHARE = 0.95
# If all members need at most this much more than KEPT_SHARE of them, the frame shows all.
MAX_STRETCH = 1.5
# Space around the outermost cities.
MARGIN_FACTOR = 1.25
# A single city is shown with its surroundings: 2,000 km.
MIN_WIDTH = 500.0
# The aspect ratios of the map on phones and on wider screens. A frame's is between them, and each
# screen shows the whole frame, with more of the world beside it or above and below it.
NARROW, WIDE = 1.5, 2.0
# A wider frame becomes the whole world, whose edge at 169° W cuts no mainland, as a wide screen
# would show more than one turn.
MAX_WIDTH = NARROW / WIDE * WIDTH
WORLD_MIDDLE, WORLD_TOP = 11.0, -2_720.0
# Latitudes that a search for a frame's edges tries.
LATITUDES = np.linspace(-90, 90, 721)


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the projected world; lengths in map units, `middle`: its middle meridian."""

    middle: float
    left: float
    top: float
    width: float
    aspect_ratio: float

    @property
    def height(self) -> float:
        """Return the height in drawing units."""
        return UNITS / self.aspect_ratio

    @property
    def is_world(self) -> bool:
        return self.width == WIDTH

    def shown(self, aspect_ratio: float) -> tuple[float, float]:
        """Return width and height, in drawing units, that a screen of an aspect ratio shows."""
        if self.is_world:
            return UNITS, self.height
        return max(UNITS, self.height * aspect_ratio), max(self.height, UNITS / aspect_ratio)

    def place(self, latitude: Degrees, longitude: Degrees) -> tuple[Lengths, Lengths]:
        """Return points in drawing units, from the frame's left and top."""
        return self.place_east(latitude, east_of(longitude, self.middle))

    def place_east(self, latitude: Degrees, east: Degrees) -> tuple[Lengths, Lengths]:
        """Return points in drawing units, of degrees east of the middle meridian."""
        x, y = project(latitude, east)
        scale = UNITS / self.width
        return (x - self.left) * scale, (y - self.top) * scale

    def contains(self, latitude: Lengths, longitude: Lengths) -> NDArray[np.bool_]:
        """Return which points are in the frame."""
        x, y = self.place(latitude, longitude)
        return (x >= 0) & (x <= UNITS) & (y >= 0) & (y <= self.height)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north: degrees from the middle meridian, around what any screen
        shows.
        """
        _, y = project(LATITUDES, 0.0)
        scale, margin = self.width / UNITS, 0.02 * self.width
        beside = (self.shown(WIDE)[0] - UNITS) / 2 * scale + margin
        above = (self.shown(NARROW)[1] - self.height) / 2 * scale + margin
        edges = self.top + self.height * scale + above, self.top - above
        # Latitude grows as y falls.
        south, north = np.interp([-edge for edge in edges], -y, LATITUDES)
        # A degree is shortest where the frame is nearest to a pole.
        degree, _ = project(max(abs(south), abs(north)), 1.0)
        west, east = (self.left - beside) / degree, (self.left + self.width + beside) / degree
        return max(-180.0, float(west)), float(south), min(180.0, float(east)), float(north)


WORLD = Frame(WORLD_MIDDLE, -WIDTH / 2, WORLD_TOP, WIDTH, WIDE)


def frame_around(latitude: float, longitude: float, width: float) -> Frame:
    """Return a frame with a point in its middle."""
    _, y = project(latitude, 0.0)
    return Frame(longitude, -width / 2, float(y) - width / NARROW / 2, width, NARROW)


def fit_frame(latitudes: Lengths, longitudes: Lengths, members: Lengths) -> Frame:
    """Return the frame of the middle 95 % of members; the world if there are none."""
    if not len(members):
        return WORLD
    opposite = _widest_gap(longitudes)
    east = (longitudes - opposite) % 360
    x, y = project(latitudes, east - _median(east, members))
    distance = np.hypot(x - _median(x, members), NARROW * (y - _median(y, members)))
    order = np.argsort(distance, kind="stable")
    reached = np.cumsum(members[order]) >= KEPT_SHARE * members.sum()
    kept = order[: int(np.argmax(reached)) + 1]
    every = _around(latitudes, east + opposite)
    inner = _around(latitudes[kept], (east + opposite)[kept])
    frame = every if every.width <= MAX_STRETCH * inner.width else inner
    return WORLD if frame.width > MAX_WIDTH else frame


def _widest_gap(longitudes: Lengths) -> float:
    """Return the meridian in the middle of the widest gap between points."""
    ordered = np.sort(longitudes % 360)
    gaps = np.diff(ordered, append=ordered[0] + 360)
    widest = int(np.argmax(gaps))
    return float(ordered[widest] + gaps[widest] / 2)


def _median(values: Lengths, members: Lengths) -> float:
    order = np.argsort(values)
    total = np.cumsum(members[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _around(latitudes: Lengths, longitudes: Lengths) -> Frame:
    """Return the frame around points, whose longitudes make no jump."""
    middle = float(longitudes.min() + longitudes.max()) / 2
    x, y = project(latitudes, longitudes - middle)
    across, down = float(np.ptp(x)), float(np.ptp(y))
    aspect_ratio = min(WIDE, max(NARROW, across / down if down else WIDE))
    width = max(MIN_WIDTH, max(across, aspect_ratio * down) * MARGIN_FACTOR)
    top = float(y.min() + y.max()) / 2 - width / aspect_ratio / 2
    return Frame(middle, float(x.min() + x.max()) / 2 - width / 2, top, width, aspect_ratio)
