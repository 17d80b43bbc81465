"""Statistics of users and rooms: how many, how many alone, growth by week."""

from dataclasses import dataclass

from app.infra.database import Database

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Stats:
    """The statistics; `weeks`: Monday → users who came in that week."""

    users: int
    rooms: int
    cities: int
    alone: int
    in_rooms_under_5: int
    weeks: dict[str, int]


COUNTS = """
    WITH counts AS (SELECT room_id, count(*) AS members FROM memberships GROUP BY room_id)
    SELECT coalesce(sum(members), 0)::bigint AS users,
           (SELECT count(*) FROM rooms) AS rooms,
           (SELECT count(DISTINCT city_id) FROM rooms) AS cities,
           coalesce(sum(members) FILTER (WHERE members = 1), 0)::bigint AS alone,
           coalesce(sum(members) FILTER (WHERE members < 5), 0)::bigint AS in_rooms_under_5
    FROM counts
"""
GROWTH = f"""
    SELECT date_trunc('week', created_at)::date AS week, count(*) AS users FROM memberships
    WHERE created_at >= date_trunc('week', now()) - interval '{WEEKS - 1} weeks'
    GROUP BY 1 ORDER BY 1
"""


def read_statistics(database: Database) -> Stats:
    """Return the statistics; reads each table once.

    Raises DatabaseUnavailable.
    """
    (counts,) = database.execute(COUNTS)
    weeks = {row.week.isoformat(): row.users for row in database.execute(GROWTH)}
    return Stats(**counts._asdict(), weeks=weeks)
