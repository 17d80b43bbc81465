"""The Equal Earth projection, which keeps the ratio of all areas.

Šavrič, Patterson and Jenny, The Equal Earth map projection, International Journal of Geographical
Information Science 33(3), 2019.
"""

from math import asin, cos, pi, radians, sin, sqrt

A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796
# The map's edge is then at 169° W, between Alaska and Siberia, and cuts no mainland.
MIDDLE_LONGITUDE = 11
# Map units along the equator; one is about 3.4 km.
WIDTH = 10_000
SCALE = WIDTH / (2 * pi * 2 * sqrt(3) / (3 * A1))


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Return (x, y) of a point in degrees: x east of 11° E, y south of the equator."""
    theta = asin(sqrt(3) / 2 * sin(radians(latitude)))
    square = theta * theta
    power6 = square**3
    slope = A1 + 3 * A2 * square + power6 * (7 * A3 + 9 * A4 * square)
    height = theta * (A1 + A2 * square + power6 * (A3 + A4 * square))
    meridian = radians((longitude - MIDDLE_LONGITUDE + 180) % 360 - 180)
    return SCALE * 2 * sqrt(3) * meridian * cos(theta) / (3 * slope), -SCALE * height
