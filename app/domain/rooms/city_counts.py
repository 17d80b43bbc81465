"""Counts the members of each city's rooms, for the map."""

import time
from dataclasses import dataclass

from app.domain.cities.city import City, city_from_row
from app.infra.database import Database, Row
from app.infra.ttl_cache import SharedTTLCache

# The map counts no more cities, so that the time of a request has a limit.
MAX_CITIES = 10_000


@dataclass(frozen=True, slots=True)
class CityCount:
    """A city whose rooms have members; `counts`: members by cluster.

    `latitude` and `longitude` are in degrees, None for a city that a user typed.
    """

    city: City
    latitude: float | None
    longitude: float | None
    counts: dict[int, int]

    @property
    def members(self) -> int:
        return sum(self.counts.values())


# Counts all members once, through the index on room_id alone. A gathered town's members are counted
# at its hub, whose rooms they are in.
COUNT = """
    SELECT cities.id, cities.name, cities.country_code AS country, cities.listed, cities.kind,
           cities.latitude, cities.longitude,
           array_agg(rooms.cluster_id ORDER BY rooms.cluster_id) AS clusters,
           array_agg(counts.members ORDER BY rooms.cluster_id) AS members
    FROM (SELECT room_id, count(*) AS members FROM memberships GROUP BY room_id) AS counts
    JOIN rooms ON rooms.id = counts.room_id
    JOIN cities ON cities.id = rooms.city_id
    GROUP BY cities.id
    ORDER BY sum(counts.members) DESC, cities.id
    LIMIT %(limit)s
"""


class CityCounts:
    """Counts members by city, and caches the result for up to 5 seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: SharedTTLCache[int, list[CityCount]] = SharedTTLCache(max_size=1)

    def largest(self, limit: int = MAX_CITIES) -> list[CityCount]:
        """Return the cities whose rooms have most members, the largest first.

        Raises DatabaseUnavailable.
        """
        # Without members the count is cheap, and the first of them is on the map at once.
        if known := self._cache.get(limit):
            return known
        asked_at = time.monotonic()
        rows = self.database.execute(COUNT, {"limit": limit})
        return self._cache.put(limit, [_city_count(row) for row in rows], asked_at)

    def clear_cache(self) -> None:
        """Drop the cached result."""
        self._cache.clear()


def _city_count(row: Row) -> CityCount:
    counts = dict(zip(row.clusters, row.members, strict=True))
    return CityCount(city_from_row(row), row.latitude, row.longitude, counts)
