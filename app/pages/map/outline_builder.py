"""Builds outline.json, the land and the borders of the map. Run once, by hand:

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
    npx -p topojson-simplify@3.0.3 toposimplify -S 0.1 package/countries-50m.json > simpler.json
    python -m app.pages.map.outline_builder simpler.json

world-atlas contains Natural Earth's 1:50,000,000 countries, which are in the public domain.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from app.pages.map.projection import WIDTH, project

FILE = Path(__file__).with_name("outline.json")
ANTARCTICA = "010"
# Rounded to whole units, an islet may have no area left.
MIN_CORNERS = 3

Corner = tuple[int, int]


def build_outline(topology: dict[str, Any]) -> dict[str, str]:
    """Return the SVG paths of a quantized TopoJSON of countries: `land` to fill, `borders` to
    stroke."""
    arcs = [_corners(arc, topology["transform"]) for arc in topology["arcs"]]
    countries = [
        country
        for country in topology["objects"]["countries"]["geometries"]
        if country.get("id") != ANTARCTICA
    ]
    rings = [ring for country in countries for ring in _rings(country)]
    # An arc that two countries share is a border, any other is coast.
    uses = Counter(index if index >= 0 else ~index for ring in rings for index in ring)
    return {
        "land": "".join(
            _path(corners) + "z" for ring in rings if _is_drawn(corners := _joined(ring, arcs))
        ),
        "borders": "".join(
            _path(arcs[index])
            for index, count in uses.items()
            if count > 1 and len(arcs[index]) > 1
        ),
    }


def _corners(arc: list[list[int]], transform: dict[str, list[float]]) -> list[Corner]:
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    longitudes = accumulate(step[0] for step in arc)
    latitudes = accumulate(step[1] for step in arc)
    points = [
        project(y * scale_y + bottom, x * scale_x + left)
        for x, y in zip(longitudes, latitudes, strict=True)
    ]
    rounded = [(round(x), round(y)) for x, y in points]
    return rounded[:1] + [corner for before, corner in pairwise(rounded) if corner != before]


def _rings(country: dict[str, Any]) -> Iterator[list[int]]:
    polygons = country.get("arcs", [])
    for polygon in polygons if country["type"] == "MultiPolygon" else [polygons]:
        yield from polygon


def _joined(ring: list[int], arcs: list[list[Corner]]) -> list[Corner]:
    corners: list[Corner] = []
    for index in ring:
        # TopoJSON writes a reversed arc as the complement of its index.
        corners += arcs[index] if index >= 0 else arcs[~index][::-1]
    # The ring ends with its first corner, and the corner where two arcs meet is in both of them.
    return [corner for corner, after in pairwise(corners) if corner != after]


def _is_drawn(corners: list[Corner]) -> bool:
    # Two islands of the Bering Sea cross the map's edge and would be drawn over its whole width.
    crosses_edge = any(abs(a[0] - b[0]) > WIDTH / 2 for a, b in pairwise(corners))
    return len(corners) >= MIN_CORNERS and not crosses_edge


def _path(corners: list[Corner]) -> str:
    steps = [f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in pairwise(corners)]
    return f"M{corners[0][0]} {corners[0][1]}l{' '.join(steps)}".replace(" -", "-")


if __name__ == "__main__":
    outline = build_outline(json.loads(Path(sys.argv[1]).read_text()))
    FILE.write_text(json.dumps(outline, indent=1) + "\n")
