"""`manage.py stats`."""

import click

from app.cli.common import json_option, print_fields, print_json, with_app

BAR_WIDTH = 40


@click.command()
@json_option
@with_app
def stats(as_json: bool) -> None:
    """Show the numbers of users and rooms, of users alone in a room, and growth by week."""
    from app.domain.rooms.statistics import read_statistics
    from app.services import services

    statistics = read_statistics(services().database)
    if as_json:
        print_json(statistics)
        return
    users, alone, under_5 = statistics.users, statistics.alone, statistics.in_rooms_under_5
    print_fields(
        {
            "users": f"{users:,}",
            "rooms": f"{statistics.rooms:,} in {statistics.cities:,} cities",
            "alone": f"{alone:,} ({alone / max(users, 1):.0%})",
            "in rooms under 5": f"{under_5:,} ({under_5 / max(users, 1):.0%})",
        }
    )
    if statistics.weeks:
        click.echo("\nnew users by week")
        largest = max(statistics.weeks.values())
        for week, count in statistics.weeks.items():
            click.echo(f"{week}  {'▇' * max(1, round(BAR_WIDTH * count / largest))} {count:,}")
