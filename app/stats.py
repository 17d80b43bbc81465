"""`manage.py stats`: how many, how lonely, how they grow."""

from dataclasses import dataclass
from datetime import date

import click

from app.cli import json_option, print_fields, print_json, with_app
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


def gather_stats(database: Database) -> Stats:
    """Read the figures, each table once.

    Raises DatabaseUnavailable.
    """
    ((users, rooms, cities, alone, under_5),) = database.execute(COUNTS)
    weeks: list[tuple[date, int]] = [(row[0], row[1]) for row in database.execute(GROWTH)]
    return Stats(
        users, rooms, cities, alone, under_5, {week.isoformat(): came for week, came in weeks}
    )


@click.command()
@json_option
@with_app
def stats(as_json: bool) -> None:
    """Tell how many users and rooms there are, how many are alone, and how they grow."""
    from app.current import services

    found = gather_stats(services().database)
    if as_json:
        print_json(found)
        return
    of_all = max(found.users, 1)
    print_fields(
        {
            "users": f"{found.users:,}",
            "rooms": f"{found.rooms:,} in {found.cities:,} cities",
            "alone": f"{found.alone:,} ({found.alone / of_all:.0%})",
            "in rooms under 5": f"{found.in_rooms_under_5:,} "
            f"({found.in_rooms_under_5 / of_all:.0%})",
        }
    )
    if found.weeks:
        click.echo("\nnew users by week")
        most = max(found.weeks.values())
        for week, came in found.weeks.items():
            click.echo(f"{week}  {'▇' * max(1, round(40 * came / most))} {came:,}")
