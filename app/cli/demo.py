"""`manage.py demo`."""

from datetime import UTC, date, datetime, timedelta

import click

from app.cli.common import changing, confirm, json_option, print_json, progress_bar, with_app


@click.command()
@click.option("--users", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day of the population's year.  [default: yesterday]",
)
@click.option("--remove", is_flag=True, help="Remove the demo people.")
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
    """Create demo people as after a year of growth; refused in production.

    The same seed and day give the same people. Their ids begin with demo-.
    """
    from app.config import read_environment

    if read_environment().app_env == "production":
        raise click.ClickException("demo refuses to run in production: set APP_ENV to development")
    day = until.date() if until else (datetime.now(UTC) - timedelta(days=1)).date()
    plan = "remove all demo people" if remove else f"create {users:,} demo people up to {day}"
    if dry_run and as_json:
        print_json({"users": 0 if remove else users, "until": day})
        return
    if dry_run:
        click.echo(f"would {plan}; nothing was changed")
        return
    confirm(f"{plan.capitalize()}?", yes)
    counts = _remove() if remove else _create(users, seed, day)
    if as_json:
        print_json(counts)
    else:
        click.echo(", ".join(f"{number:,} {name}" for name, number in counts.items()))


def _create(users: int, seed: int, day: date) -> dict[str, int]:
    from app.config import read_environment
    from app.domain.analytics.demo import DemoExists, insert
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database, model = services().database, services().model
    home = read_environment().default_country
    arguments = {"users": users, "seed": seed, "until": day.isoformat()}
    try:
        with record_run(database, "demo", arguments) as run, progress_bar() as progress:
            insert(database, model, home, (users, seed), day, run, progress)
    except DemoExists as error:
        raise click.ClickException(
            "demo people already exist: `manage.py demo --remove` removes them"
        ) from error
    return run.counts


def _remove() -> dict[str, int]:
    from app.domain.analytics.demo_removal import remove
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    with record_run(services().database, "demo", {"remove": True}) as run:
        remove(services().database, run)
    return run.counts
