"""The Equal Earth projection, which keeps the ratio of all areas.

Šavrič, Patterson and Jenny, The Equal Earth map projection, International Journal of Geographical
Information Science 33(3), 2019.
"""

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796
# Map units along the equator; one is about 4 km.
WIDTH = 10_000
SCALE = WIDTH / (2 * pi * 2 * sqrt(3) / (3 * A1))

# A number or an array of them; numpy's functions take and return both.
Degrees = float | NDArray[np.float64]
Lengths = NDArray[np.float64]


def east_of(longitude: Degrees, middle: float) -> Degrees:
    """Return degrees east of a meridian, from -180 to 180."""
    return (longitude - middle + 180) % 360 - 180


def project(latitude: Degrees, east: Degrees) -> tuple[Lengths, Lengths]:
    """Return (x, y) in map units: x east of the middle meridian, y south of the equator.

    `east`: degrees east of the middle meridian; past 180 the point is beyond the map's edge.
    """
    theta = np.arcsin(sqrt(3) / 2 * np.sin(np.radians(latitude)))
    square = theta * theta
    power6 = square**3
    slope = A1 + 3 * A2 * square + power6 * (7 * A3 + 9 * A4 * square)
    height = theta * (A1 + A2 * square + power6 * (A3 + A4 * square))
    return (
        SCALE * 2 * sqrt(3) * np.radians(east) * np.cos(theta) / (3 * slope),
        np.asarray(-SCALE * height),
    )
