"""Which rooms to list, and in what order. Light: command-line options need it before any SQL."""

from dataclasses import dataclass

# A room is quiet with fewer members than this, or without a new one for this long.
QUIET_MEMBERS, QUIET_DAYS = 5, 30


@dataclass(frozen=True, slots=True)
class RoomFilter:
    """Which rooms; None: any. `quiet`: few members, or nobody new for a month."""

    city_id: int | None = None
    country: str | None = None
    cluster: int | None = None
    min_members: int | None = None
    max_members: int | None = None
    quiet: bool = False


# By the names of the columns that queries.py selects.
ORDERS = {
    "members": "members DESC, id",
    "fewest": "members, id",
    "newest": "created_at DESC, id",
    "city": "city_name, city_country, cluster",
    "id": "id",
}
