"""How many people are in the rooms of each city."""

from dataclasses import dataclass

from app.cities.service import City
from app.db import Database

# The page stays a few hundred kilobytes, and a screen has no place for more circles.
MOST_CITIES = 1_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A city whose rooms have members: `counts` is how many by cluster.

    `latitude` and `longitude` are degrees, or None of a city that a user typed.
    """

    city: City
    latitude: float | None
    longitude: float | None
    counts: dict[int, int]

    @property
    def members(self) -> int:
        return sum(self.counts.values())


# Counts all members once, through the index on room_id alone. A gathered town's people are counted
# where their rooms are: at its hub.
COUNT = """
    SELECT cities.id, cities.name, cities.country_code, cities.listed,
           cities.latitude, cities.longitude,
           array_agg(rooms.cluster_id ORDER BY rooms.cluster_id),
           array_agg(counted.members ORDER BY rooms.cluster_id)
    FROM (SELECT room_id, count(*) AS members FROM memberships GROUP BY room_id) AS counted
    JOIN rooms ON rooms.id = counted.room_id
    JOIN cities ON cities.id = rooms.city_id
    GROUP BY cities.id
    ORDER BY sum(counted.members) DESC, cities.id
    LIMIT %(limit)s
"""


def count(database: Database, limit: int = MOST_CITIES) -> list[Spot]:
    """The cities whose rooms have most members, the fullest first.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(COUNT, {"limit": limit})
    return [
        Spot(City(*row[:4]), row[4], row[5], dict(zip(row[6], row[7], strict=True))) for row in rows
    ]
