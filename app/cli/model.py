"""`manage.py model`: what is shipped, registering it, and what it means for those who are there."""

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
    from app.domain.clusters.drift import Drift
    from app.domain.clusters.reassignment import Plan
    from app.domain.clusters.registration import Registration


model = LazyGroup(
    "model",
    help="The model that predicts clusters.",
    parts={
        "evaluate": (
            "app.cli.training:evaluate",
            "Compare ways of clustering on held-out people.",
        ),
        "drift": ("app.cli.model:drift", "Tell whether new users are still alike."),
        "reassign": ("app.cli.model:reassign", "Move members to their cluster now."),
        "register": ("app.cli.model:register", "Put the shipped model into service."),
        "show": ("app.cli.model:show", "Tell which model this code ships."),
        "train": ("app.cli.training:train", "Fit a model to people's interests."),
    },
)


@click.command()
@json_option
def show(as_json: bool) -> None:
    """Tell which model this code ships: its data, its clusters."""
    from model import artifact

    loaded = artifact.load()
    card = {
        "id": loaded.id,
        "sha256": loaded.sha256,
        "trained_at": loaded.trained_at,
        "training_users": loaded.training_users,
        "interests": len(loaded.interests),
        "clusters": {
            cluster.id: {"es": cluster.label_es, "en": cluster.label_en}
            for cluster in loaded.clusters
        },
    }
    if as_json:
        print_json(card | {"interests": loaded.interests, "clusters": loaded.clusters})
        return
    labels = {f"cluster {cluster.id}": cluster.label_en for cluster in loaded.clusters}
    del card["clusters"]
    print_fields(card | labels)


@click.command()
@changing
@json_option
@with_app
def register(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the shipped model into service (part of every release, and so never asks).

    Refuses a model that uses a cluster's number otherwise than the ones before it.
    """
    from app.domain.clusters.compatibility import ClashingModel
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    parts = services()
    try:
        done = parts.clusters.register(parts.model, dry_run=True)
        if not dry_run and done.changes:
            with recorded(parts.database, "model register", {"model_id": done.model_id}) as run:
                parts.clusters.register(parts.model)
                run.count("clusters", len(done.clusters))
                run.count("retired", len(done.retired))
                run.count("returned", len(done.returned))
        elif not dry_run:
            parts.clusters.register(parts.model)
    except ClashingModel as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(done)
        return
    click.echo(_registered(done, dry_run))


def _registered(done: "Registration", dry_run: bool) -> str:
    state = ("would register" if dry_run else "registered") if done.changes else "is registered,"
    told = f"model {done.model_id} {state} with clusters {_listed(done.clusters)}"
    if done.retired:
        told += f"; {_listed(done.retired)} retired: `manage.py model reassign` moves their members"
    if done.returned:
        told += f"; {_listed(done.returned)} back in use"
    return told


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


@click.command()
@click.option(
    "--min-gain",
    type=click.FloatRange(0, 100),
    default=0.25,
    show_default=True,
    help="How much better the new cluster must fit: 0.25 is a quarter.",
)
@changing
@json_option
@with_app
def reassign(min_gain: float, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Move members to the room of their cluster under the model in service.

    By the interests that are stored. Members of retired clusters always move. Safe to stop and to
    run again: what is done stays done, and a second run moves nobody.
    """
    from app.domain.clusters import reassignment
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    # click's range lets it pass.
    if isnan(min_gain):
        raise click.BadParameter("--min-gain must be a number from 0 to 100")
    parts = services()
    try:
        reassigner = reassignment.Reassigner(parts.database, parts.model, min_gain)
        with progress_bar() as progress:
            plan = reassigner.plan(progress)
        if not as_json:
            _show_plan(plan, parts.model.cluster_ids)
        if dry_run:
            if as_json:
                print_json(plan.document())
            return
        confirm(f"Move {plan.movers:,} of {plan.members:,} members?", yes)
        arguments = {"model_id": parts.model.id, "min_gain": min_gain}
        with (
            recorded(parts.database, "model reassign", arguments) as run,
            progress_bar() as progress,
        ):
            reassigner.move(run, plan.members, progress)
    except reassignment.CannotReassign as error:
        raise click.ClickException(str(error)) from error
    counts = {name: run.counts.get(name, 0) for name in reassignment.COUNTED}
    if as_json:
        print_json(plan.document() | counts)
        return
    click.echo(
        f"reassigned: {counts['people_moved']:,} people moved, {counts['rooms_made']:,} rooms made,"
        f" {counts['changed_meanwhile']:,} changed by themselves meanwhile and left alone"
    )


def _show_plan(plan: "Plan", in_use: tuple[int, ...]) -> None:
    """Which members go from where to where, and who of the others stays for what reason."""
    from app.cli.transition_table import print_matrix

    if not plan.members:
        click.echo("There is no member yet.", err=True)
        return
    print_matrix(plan.matrix, in_use)
    click.echo(
        f"{plan.movers:,} of {plan.members:,} members move, into {plan.rooms_to_create:,} new rooms"
        " among others"
    )
    click.echo(
        f"{plan.gain_too_small:,} would fit another cluster better, but by less than asked for"
    )
    if plan.unknown:
        click.echo(f"{plan.unknown:,} stay: the model knows none of their interests")


@click.command()
@json_option
@with_app
def drift(as_json: bool) -> None:
    """Compare each month's new users with the people the model was trained on.

    Raises an alarm for a month only if it has enough users, and the difference of the clusters'
    shares is more than chance and not small.
    """
    from app.domain.clusters import drift
    from app.services import services

    parts = services()
    with progress_bar() as progress:
        found = drift.drift(parts.database, parts.model, progress)
    if as_json:
        print_json(found)
        return
    _show_drift(found)


def _show_drift(found: "Drift") -> None:
    numbers = list(found.training_shares)
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
        for month in found.months
    ]
    shares = (f"{found.training_shares[number]:.0%}" for number in numbers)
    training = ("training", found.training_users, *shares, "", "", "", "", "")
    columns = ("month", "users", *numbers, "unknown", "margin", "V", "p", "")
    print_table(columns, [training, *rows] if rows else [], empty="There is no member yet.")
