"""Says in round figures how many people are in the rooms of a city."""

import time

from app.infra.database import Database
from app.infra.ttl_cache import SharedTTLCache

# Anyone may ask, so the answer is the largest of these that the number reaches: neither a small
# group nor a single join is visible, and no more members than the last are read.
STEPS = (5, 10, 20, 50, 100, 200, 500, 1_000)
MAX_CACHED_CITIES = 10_000
# Reads the index on room alone, until the limit. A gathered city's rooms are its hub's.
COUNT = """
    SELECT count(*) AS people
    FROM (
        SELECT FROM memberships
        WHERE room_id = ANY (ARRAY(
            SELECT rooms.id FROM city_hosts AS city
            JOIN rooms ON rooms.city_id = city.host_id
            WHERE city.city_id = %(city)s))
        LIMIT %(limit)s
    ) AS member
"""
# Without statistics of a room that grew, PostgreSQL would read all its entries of the index first.
# Where most members are in a few rooms, it would expect to find these early in the table.
SETTINGS = "enable_bitmapscan = off; SET LOCAL enable_seqscan = off"


class CityPeople:
    """Counts people, and caches each city's number for up to 5 seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: SharedTTLCache[int, int] = SharedTTLCache(MAX_CACHED_CITIES)

    def at_least(self, city_id: int) -> int:
        """Return the largest of STEPS that the people in a city's rooms reach; 0: none.

        Raises DatabaseUnavailable.
        """
        if (known := self._cache.get(city_id)) is not None:
            return known
        asked_at = time.monotonic()
        parameters = {"city": city_id, "limit": STEPS[-1]}
        (row,) = self.database.execute(COUNT, parameters, SETTINGS)
        reached = max((step for step in STEPS if step <= row.people), default=0)
        return self._cache.put(city_id, reached, asked_at)

    def clear_cache(self) -> None:
        """Drop all cached numbers."""
        self._cache.clear()
