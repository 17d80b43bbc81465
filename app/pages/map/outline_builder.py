"""Builds outline.npz, the land and the borders of the map. Run once, by hand:

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
    npm install topojson-client@3.1.0 d3-geo-projection@4.0.0 && PATH=$PATH:node_modules/.bin
    topo2geo land=land.json < package/countries-50m.json
    topomerge --mesh -f 'a !== b' borders=countries < package/countries-50m.json \\
        | topo2geo borders=borders.json
    geostitch < land.json > stitched.json
    python -m app.pages.map.outline_builder stitched.json borders.json

world-atlas contains Natural Earth's 1:50,000,000 countries, which are in the public domain.
geostitch joins the land that the date line cuts.
"""

import heapq
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from app.pages.map.outline import FILE, LEVELS, STEPS_PER_DEGREE, smallest_area
from app.pages.map.projection import Lengths, project

ANTARCTICA_SOUTH_OF = -60
MIN_CORNERS = 3

Line = list[tuple[float, float]]


def read_lines(path: Path) -> list[Line]:
    """Return the rings or lines of a GeoJSON file, with longitudes that make no jump."""
    geometry = json.loads(path.read_text())["features"][0]["geometry"]
    lines = geometry["coordinates"]
    if geometry["type"] == "MultiPolygon":
        lines = [ring for polygon in lines for ring in polygon]
    return [_unwrapped(line) for line in lines if line[0][1] > ANTARCTICA_SOUTH_OF]


def _unwrapped(line: list[list[float]]) -> Line:
    unwrapped = [(line[0][0], line[0][1])]
    for longitude, latitude in line[1:]:
        jump = (longitude - unwrapped[-1][0] + 180) % 360 - 180
        unwrapped.append((unwrapped[-1][0] + jump, latitude))
    return unwrapped


def areas_of(line: Line, *, closed: bool) -> Lengths:
    """Return for each point the area that the line loses without it, larger than of its
    neighbours that go first: Visvalingam and Whyatt, Line generalisation by repeated elimination
    of points, The Cartographic Journal 30(1), 1993.
    """
    x, y = project(np.array([p[1] for p in line]), np.array([p[0] for p in line]))
    count = len(line)
    before, after = [i - 1 for i in range(count)], [i + 1 for i in range(count)]
    if closed:
        before[0], after[-1] = count - 1, 0

    def triangle(i: int) -> float:
        a, b = before[i], after[i]
        if not closed and (a < 0 or b >= count):
            return float("inf")
        return float(abs((x[a] - x[i]) * (y[b] - y[i]) - (x[b] - x[i]) * (y[a] - y[i]))) / 2

    current = [triangle(i) for i in range(count)]
    heap = [(area, i) for i, area in enumerate(current)]
    heapq.heapify(heap)
    result, largest = np.full(count, np.inf), 0.0
    removed = [False] * count
    while heap:
        area, i = heapq.heappop(heap)
        if removed[i] or area != current[i] or area == float("inf"):
            continue
        removed[i], largest = True, max(largest, area)
        result[i] = largest
        a, b = before[i], after[i]
        after[a], before[b] = b, a
        for neighbour in (a, b):
            if not removed[neighbour]:
                current[neighbour] = triangle(neighbour)
                heapq.heappush(heap, (current[neighbour], neighbour))
    return result


def build(land: list[Line], borders: list[Line]) -> dict[str, Any]:
    """Return the arrays of outline.npz: see app.pages.map.outline."""
    steps, levels, lengths = [], [], []
    rings = 0
    for line in [*land, *borders]:
        is_ring = rings < len(land) and line is land[rings]
        # A ring of GeoJSON repeats its first point.
        points = line[:-1] if is_ring else line
        rings += is_ring
        areas = areas_of(points, closed=is_ring)
        level = np.full(len(points), LEVELS)
        for number in range(LEVELS - 1, -1, -1):
            level[areas >= smallest_area(number)] = number
        kept = [i for i in range(len(points)) if level[i] < LEVELS]
        corners = [tuple(round(c * STEPS_PER_DEGREE) for c in points[i]) for i in kept]
        lengths.append(len(corners) if len(corners) >= (MIN_CORNERS if is_ring else 2) else 0)
        if lengths[-1]:
            steps += [corners[0], *((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(corners))]
            levels += [level[i] for i in kept]
    return {
        "steps": np.array(steps, dtype=np.int32).T,
        "levels": np.array(levels, dtype=np.uint8),
        "lengths": np.array([n for n in lengths if n], dtype=np.int32),
        "rings": np.array(sum(n > 0 for n in lengths[: len(land)])),
    }


if __name__ == "__main__":
    np.savez_compressed(FILE, **build(*(read_lines(Path(path)) for path in sys.argv[1:3])))
