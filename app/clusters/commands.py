"""`manage.py model`."""

import click

from app.cli import json_option, print_fields, print_json, with_app


@click.group()
def model() -> None:
    """The model that predicts clusters."""


@model.command()
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


@model.command()
@click.option("--dry-run", is_flag=True, help="Tell what it would do, and do nothing.")
@json_option
@with_app
def register(dry_run: bool, as_json: bool) -> None:
    """Put the shipped model into service (part of every release; safe to repeat)."""
    from app.clusters.service import ClashingModel
    from app.current import services

    try:
        done = services().clusters.register(services().model, dry_run)
    except ClashingModel as error:
        raise click.ClickException(
            f"model {error} is registered with another sha256: train it again, for a new id"
        ) from error
    if as_json:
        print_json({"model_id": done.model_id, "is_new": done.is_new, "clusters": done.clusters})
        return
    verb = "would register" if dry_run else "registered"
    state = f"{verb} with clusters" if done.is_new else "is registered, with clusters"
    click.echo(f"model {done.model_id} {state} {', '.join(map(str, done.clusters))}")
