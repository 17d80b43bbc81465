"""`manage.py runs`."""

import click

from app.cli.common import json_option, print_fields, print_json, print_table, with_app


@click.group()
def runs() -> None:
    """The commands that admins ran."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@with_app
def list_runs(limit: int, as_json: bool) -> None:
    """List the latest commands that changed something."""
    from app.domain.runs.admin_runs import latest
    from app.services import services

    runs = latest(services().database, limit)
    if as_json:
        print_json(runs)
        return
    print_table(
        ("run", "command", "by", "started", "status", "counts"),
        [
            (
                run.id,
                run.command,
                run.by,
                f"{run.started_at:%Y-%m-%d %H:%M}",
                run.status,
                ", ".join(f"{name} {number}" for name, number in run.counts.items()),
            )
            for run in runs
        ],
        empty="No command has changed anything yet.",
    )


@runs.command()
@click.argument("run_id", type=click.IntRange(1, 2**63 - 1))
@json_option
@with_app
def show(run_id: int, as_json: bool) -> None:
    """Show one run."""
    from app.domain.runs.admin_runs import UnknownRun
    from app.domain.runs.admin_runs import show as show_run
    from app.services import services

    try:
        run = show_run(services().database, run_id)
    except UnknownRun as unknown:
        raise click.ClickException(
            f"there is no run {run_id}; `manage.py runs list` lists them"
        ) from unknown
    if as_json:
        print_json(run)
        return
    print_fields(
        {
            "run": run.id,
            "command": run.command,
            "arguments": run.arguments,
            "by": run.by,
            "started": run.started_at,
            "finished": run.finished_at,
            "status": run.status,
            **run.counts,
        }
    )
