"""How many users and rooms there are, how lonely they are, how they grow."""

from dataclasses import dataclass
from datetime import date

from app.db import Database

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Stats:
    """The product at a glance; `weeks`: Monday → users who came that week."""

    users: int
    rooms: int
    cities: int
    alone: int
    in_rooms_under_5: int
    weeks: dict[str, int]


COUNTS = """
    WITH counted AS (SELECT room_id, count(*) AS members FROM memberships GROUP BY room_id)
    SELECT coalesce(sum(members), 0)::bigint,
           (SELECT count(*) FROM rooms),
           (SELECT count(DISTINCT city_id) FROM rooms),
           coalesce(sum(members) FILTER (WHERE members = 1), 0)::bigint,
           coalesce(sum(members) FILTER (WHERE members < 5), 0)::bigint
    FROM counted
"""
GROWTH = f"""
    SELECT date_trunc('week', created_at)::date AS week, count(*) FROM memberships
    WHERE created_at >= date_trunc('week', now()) - interval '{WEEKS - 1} weeks'
    GROUP BY 1 ORDER BY 1
"""


def figures(database: Database) -> Stats:
    """Read the figures, each table once.

    Raises DatabaseUnavailable.
    """
    ((users, rooms, cities, alone, under_5),) = database.execute(COUNTS)
    weeks: list[tuple[date, int]] = [(row[0], row[1]) for row in database.execute(GROWTH)]
    return Stats(
        users, rooms, cities, alone, under_5, {week.isoformat(): came for week, came in weeks}
    )
