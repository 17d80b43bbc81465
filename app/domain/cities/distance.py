"""The distance between two places."""

from math import asin, cos, inf, radians, sin, sqrt
from typing import Protocol

EARTH_RADIUS_KM = 6371.0


class Positioned(Protocol):
    """Something with a position in degrees, None if it is unknown."""

    @property
    def latitude(self) -> float | None: ...
    @property
    def longitude(self) -> float | None: ...


def distance_km(one: Positioned, other: Positioned) -> float:
    """Return the great-circle distance; infinite if a position is unknown."""
    degrees = one.latitude, one.longitude, other.latitude, other.longitude
    if None in degrees:
        return inf
    lat1, lon1, lat2, lon2 = (radians(angle or 0) for angle in degrees)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def is_near(one: Positioned, other: Positioned, max_km: float) -> bool:
    """Return whether two places are near. Most pairs are told apart by their latitudes alone."""
    if one.latitude is None or other.latitude is None:
        return False
    if radians(abs(one.latitude - other.latitude)) * EARTH_RADIUS_KM > max_km:
        return False
    return distance_km(one, other) <= max_km
