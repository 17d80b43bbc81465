"""The drawing of a view: land, circles with a slice for each cluster, and labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin

from app.pages.map.frame import Frame
from app.pages.map.labels import Label, place_labels
from app.pages.map.markers import Marker, place_markers
from app.pages.map.outline import Outline, outline_of
from app.pages.map.views import Selection

# More circles would be a pattern without meaning, and leave no place for the labels.
MAX_MARKERS = 54
# A page has fewer elements than this for circles and rows; the rest of it has about 200.
MAX_ELEMENTS = 1_200
# Elements of a circle and its row without those of its clusters, of which each has two.
ELEMENTS_EACH = 8


@dataclass(frozen=True, slots=True)
class Slice:
    """A cluster's slice of a circle around zero: an SVG path; of an area, its part of the ring."""

    cluster: int
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A frame in drawing units: its outline, its circles, the largest first, and their labels."""

    frame: Frame
    outline: Outline
    markers: list[Marker]
    labels: list[Label]


def draw(selection: Selection, clusters: int) -> Drawing:
    """Draw the cities of a view whose members are in so many clusters."""
    max_markers = min(MAX_MARKERS, max(12, MAX_ELEMENTS // (ELEMENTS_EACH + 2 * clusters)))
    frame = selection.frame
    markers = place_markers(frame, selection.inside, selection.outside, max_markers)
    labels = list(place_labels(markers, frame))
    return Drawing(frame, outline_of(frame), markers, labels)


def slices(marker: Marker) -> Iterator[Slice]:
    """Return the slices of a circle, clockwise from the top."""
    radius = marker.radius * (0.82 if marker.is_area else 1)
    total, end = marker.members, 0.0
    for cluster, members in marker.counts.items():
        start, end = end, end + members / total
        # An arc cannot be a whole circle, nor one that is whole when its ends are rounded.
        stops = [(start + end) / 2, end] if end - start > 0.5 else [end]
        arc = "".join(f"A{radius:.1f} {radius:.1f} 0 0 1 {_at(radius, stop)}" for stop in stops)
        if marker.is_area:
            yield Slice(cluster, f"M{_at(radius, start)}{arc}")
        else:
            middle = "M0 0L" if members < total else "M"
            yield Slice(cluster, f"{middle}{_at(radius, start)}{arc}z")


def _at(radius: float, turn: float) -> str:
    """Return the point at a part of a turn, clockwise from the top."""
    return f"{radius * sin(2 * pi * turn):.1f} {-radius * cos(2 * pi * turn):.1f}"
