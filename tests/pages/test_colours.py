"""The clusters' colours, as colour-blind people see them and in greyscale."""

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.config import ROOT

STYLE = (ROOT / "app/pages/form/static/page.css").read_text()
MAP_STYLE = (ROOT / "app/pages/form/static/map.css").read_text()
COLOURS = re.findall(r"\.cluster-\d \{ --cluster: #(\w{6}); \}", STYLE)
# The shipped model's clusters. In greyscale, further ones differ only by their labels.
SHIPPED_CLUSTERS = 4
# Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision
# deficiency, IEEE TVCG 15(6), 2009: full severity, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
WHITE = TO_XYZ.sum(axis=1)


def linear(colour: str) -> NDArray[np.float64]:
    channels = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIE L*a*b*, in which a distance of 2 is just noticeable side by side."""
    x, y, z = np.cbrt(TO_XYZ @ np.clip(rgb, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_cluster_colours_are_distinct(vision: str) -> None:
    seen = [lab(np.array(VISION[vision]) @ linear(colour)) for colour in COLOURS]
    assert len(seen) == 8
    for one, other in combinations(seen[:SHIPPED_CLUSTERS], 2):
        assert np.linalg.norm(one - other) > 20
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 8


def test_colours_of_the_shipped_clusters_are_distinct_in_greyscale() -> None:
    lightness = sorted(lab(linear(colour))[0] for colour in COLOURS[:SHIPPED_CLUSTERS])
    assert np.diff(lightness).min() > 10


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    dark, light = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return float((light + 0.05) / (dark + 0.05))


def map_colour(name: str, scheme: str) -> str:
    """Return a colour of the map in the light or the dark scheme, with six digits."""
    (colours,) = re.findall(rf"--{name}: light-dark\(#(\w+), #(\w+)\);", MAP_STYLE)
    colour: str = colours[scheme == "dark"]
    return colour if len(colour) == 6 else "".join(2 * digit for digit in colour)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shape", ["a path, .world a circle", "a.area circle"])
def test_the_edge_of_a_circle_stands_out_from_land_and_sea(shape: str, scheme: str) -> None:
    """A cluster's colour alone may be near theirs; WCAG 1.4.11 needs a contrast of 3."""
    (rule,) = re.findall(rf"\.world {re.escape(shape)} {{ (.*) }}", MAP_STYLE)
    (stroke,) = re.findall(r"stroke: var\(--(\w+)\)", rule) or ["none"]
    for ground in ("ground", "sea"):
        assert contrast(map_colour(stroke, scheme), map_colour(ground, scheme)) >= 3
