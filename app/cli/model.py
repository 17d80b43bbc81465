"""`manage.py model`: shows and registers the shipped model, and moves members to its clusters."""

from math import isnan
from typing import TYPE_CHECKING

import click

from app.cli.common import (
    LazyGroup,
    changing,
    confirm,
    json_option,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    with_app,
)

if TYPE_CHECKING:
    from app.domain.clusters.drift import DriftReport
    from app.domain.clusters.reassignment import Plan
    from app.domain.clusters.registration import Registration


model = LazyGroup(
    "model",
    help="The model that predicts clusters.",
    lazy_commands={
        "evaluate": (
            "app.cli.training:evaluate",
            "Compare clustering methods on held-out people.",
        ),
        "drift": ("app.cli.model:drift", "Compare new users with the training data."),
        "reassign": ("app.cli.model:reassign", "Move members to the cluster that fits them now."),
        "register": ("app.cli.model:register", "Put the shipped model into service."),
        "show": ("app.cli.model:show", "Show the model that this code ships."),
        "train": ("app.cli.training:train", "Fit a model to people's interests."),
    },
)


@click.command()
@json_option
def show(as_json: bool) -> None:
    """Show the model that this code ships: its training data and its clusters."""
    from model import artifact

    shipped = artifact.load()
    card = {
        "id": shipped.id,
        "sha256": shipped.sha256,
        "trained_at": shipped.trained_at,
        "training_users": shipped.training_users,
        "interests": len(shipped.interests),
    }
    if as_json:
        print_json(card | {"interests": shipped.interests, "clusters": shipped.clusters})
        return
    labels = {f"cluster {cluster.id}": cluster.label_en for cluster in shipped.clusters}
    print_fields(card | labels)


@click.command()
@changing
@json_option
@with_app
def register(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the shipped model into service, without confirmation: every release runs this.

    Refuses a model that gives a cluster's number another meaning than the models before it.
    """
    from app.domain.clusters.compatibility import IncompatibleModel
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    app = services()
    try:
        registration = app.clusters.register(app.model, dry_run=True)
        if not dry_run and registration.changes:
            with record_run(app.database, "model register", {"model_id": app.model.id}) as run:
                app.clusters.register(app.model)
                run.count("clusters", len(registration.clusters))
                run.count("retired", len(registration.retired))
                run.count("returned", len(registration.returned))
        elif not dry_run:
            app.clusters.register(app.model)
    except IncompatibleModel as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(registration)
        return
    click.echo(_registration_line(registration, dry_run))


def _registration_line(registration: "Registration", dry_run: bool) -> str:
    state = "is registered"
    if registration.changes:
        state = "would be registered" if dry_run else "was registered"
    clusters, retired, returned = (
        ", ".join(map(str, numbers))
        for numbers in (registration.clusters, registration.retired, registration.returned)
    )
    line = f"model {registration.model_id} {state} with clusters {clusters}"
    if retired:
        line += f"; {retired} retired: `manage.py model reassign` moves their members"
    return line + (f"; {returned} back in use" if returned else "")


@click.command()
@click.option(
    "--min-gain",
    type=click.FloatRange(0, 100),
    default=0.25,
    show_default=True,
    help="How much better the new cluster must fit: 0.25 is 25 % better.",
)
@changing
@json_option
@with_app
def reassign(min_gain: float, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Move members to the room of their cluster under the model in service.

    Uses the stored interests. Members of retired clusters always move. Safe to stop: the next run
    moves the remaining members.
    """
    from app.domain.clusters import reassignment
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    # click.FloatRange accepts nan.
    if isnan(min_gain):
        raise click.BadParameter("--min-gain must be a number from 0 to 100")
    app = services()
    try:
        reassigner = reassignment.Reassigner(app.database, app.model, min_gain)
        with progress_bar() as progress:
            plan = reassigner.plan(progress)
        if not as_json:
            _print_plan(plan, app.model.cluster_ids)
        if dry_run:
            if as_json:
                print_json(plan.document())
            return
        confirm(f"Move {plan.movers:,} of {plan.members:,} members?", yes)
        arguments = {"model_id": app.model.id, "min_gain": min_gain}
        with (
            record_run(app.database, "model reassign", arguments) as run,
            progress_bar() as progress,
        ):
            reassigner.move(run, progress)
    except reassignment.CannotReassign as error:
        raise click.ClickException(str(error)) from error
    counts = {name: run.counts.get(name, 0) for name in reassignment.COUNTS}
    if as_json:
        print_json(plan.document() | counts)
        return
    click.echo(
        f"reassigned: {counts['people_moved']:,} people moved, {counts['rooms_made']:,} rooms "
        f"created, {counts['changed_meanwhile']:,} people skipped because they changed meanwhile"
    )


def _print_plan(plan: "Plan", in_use: tuple[int, ...]) -> None:
    """Print how many members move between which clusters, and why others stay."""
    from app.cli.transition_table import print_matrix

    if not plan.members:
        click.echo("There is no member yet.", err=True)
        return
    print_matrix(plan.matrix, in_use)
    click.echo(
        f"{plan.movers:,} of {plan.members:,} members move; {plan.rooms_to_create:,} rooms are "
        "created for them"
    )
    click.echo(
        f"{plan.gain_too_small:,} stay: another cluster fits them better, but not by the minimum"
    )
    if plan.unknown:
        click.echo(f"{plan.unknown:,} stay: the model knows none of their interests")


@click.command()
@json_option
@with_app
def drift(as_json: bool) -> None:
    """Compare each month's new users with the people the model was trained on.

    Marks a month with "drift" if it has enough users and its clusters' shares differ from those of
    the training by more than chance, and not by little.
    """
    from app.domain.clusters.drift import measure_drift
    from app.services import services

    app = services()
    with progress_bar() as progress:
        report = measure_drift(app.database, app.model, progress)
    print_json(report) if as_json else _print_drift(report)


def _print_drift(report: "DriftReport") -> None:
    numbers = list(report.training_shares)
    rows = [
        (
            month.month,
            month.users,
            *(f"{month.shares[number]:.0%}" for number in numbers),
            f"{month.unknown_interests:.1%}",
            f"{month.margin:.3f}",
            "" if month.cramers_v is None else f"{month.cramers_v:.2f}",
            "" if month.p_value is None else f"{month.p_value:.2g}",
            month.verdict,
        )
        for month in report.months
    ]
    shares = (f"{report.training_shares[number]:.0%}" for number in numbers)
    training = ("training", report.training_users, *shares, "", "", "", "", "")
    columns = ("month", "users", *numbers, "unknown", "margin", "V", "p", "")
    print_table(columns, [training, *rows] if rows else [], empty="There is no member yet.")
