"""Which rooms, and in what order: said here without loading what finds them."""

from dataclasses import dataclass

# Too few to talk, or nobody new for so long.
QUIET_UNDER, QUIET_DAYS = 5, 30


@dataclass(frozen=True, slots=True)
class RoomFilter:
    """Which rooms; None: any. `quiet`: few members, or nobody new for a month."""

    city_id: int | None = None
    country: str | None = None
    cluster: int | None = None
    min_members: int | None = None
    max_members: int | None = None
    quiet: bool = False


ORDERS = {
    "members": "9 DESC, rooms.id",
    "fewest": "9, rooms.id",
    "newest": "rooms.created_at DESC, rooms.id",
    "city": "cities.name, cities.country_code, rooms.cluster_id",
    "id": "rooms.id",
}
