"""`manage.py stats`."""

import click

from app.cli.common import json_option, print_fields, print_json, with_app


@click.command()
@json_option
@with_app
def stats(as_json: bool) -> None:
    """Tell how many users and rooms there are, how many are alone, and how they grow."""
    from app.domain.rooms.statistics import read_statistics
    from app.services import services

    found = read_statistics(services().database)
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
