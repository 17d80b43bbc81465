"""`manage.py demo`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from app.cli.common import changing, confirm, json_option, print_json, progress_bar, with_app


@click.command()
@click.option("--users", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day of their year; yesterday, unless it is given.",
)
@click.option("--remove", is_flag=True, help="Take them away instead.")
@changing
@json_option
@with_app
def demo(
    users: int,
    seed: int,
    until: datetime | None,
    remove: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Put made-up people into rooms, as after a year of growth; never in production.

    The same seed and day give the same people. Their ids begin with demo-.
    """
    from app.config import read_environment

    if read_environment().app_env == "production":
        raise click.ClickException(
            "made-up people have no place in production: set APP_ENV to development"
        )
    day = until.date() if until else (datetime.now(UTC) - timedelta(days=1)).date()
    plan = "all demo people be taken away" if remove else f"{users:,} people come, up to {day}"
    if dry_run and as_json:
        print_json({"users": 0 if remove else users, "until": day})
        return
    if dry_run:
        click.echo(f"would let {plan}; nothing was changed")
        return
    confirm(f"Let {plan}?", yes)
    counts = _remove() if remove else _settle(users, seed, day)
    if as_json:
        print_json(counts)
    else:
        click.echo(", ".join(f"{number:,} {name}" for name, number in counts.items()))


def _settle(users: int, seed: int, day: Any) -> dict[str, int]:
    from app.config import read_environment
    from app.domain.analytics.demo import AlreadyThere, settle
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    parts = services()
    arguments = {"users": users, "seed": seed, "until": day.isoformat()}
    try:
        with recorded(parts.database, "demo", arguments) as run, progress_bar() as progress:
            home = read_environment().default_country
            settle(parts.database, parts.model, home, (users, seed), day, run, progress)
    except AlreadyThere as error:
        raise click.ClickException(
            "there are demo people already: `manage.py demo --remove` takes them away"
        ) from error
    return run.counts


def _remove() -> dict[str, int]:
    from app.domain.analytics.demo import remove
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    with recorded(services().database, "demo", {"remove": True}) as run:
        remove(services().database, run)
    return run.counts
