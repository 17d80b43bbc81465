"""`manage.py model` and `manage.py clusters`."""

from pathlib import Path

import click

from app.cli import changing, json_option, print_fields, print_json, print_table, with_app


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
@changing
@json_option
@with_app
def register(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the shipped model into service (part of every release, and so never asks)."""
    from app.clusters.service import ClashingModel
    from app.current import services
    from app.runs.service import recorded

    parts = services()
    try:
        done = parts.clusters.register(parts.model, dry_run=True)
        if not dry_run and done.is_new:
            with recorded(parts.database, "model register", {"model_id": done.model_id}) as run:
                parts.clusters.register(parts.model)
                run.count("clusters", len(done.clusters))
        elif not dry_run:
            parts.clusters.register(parts.model)
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


@click.group()
def clusters() -> None:
    """Clusters: numbers, labels, and how many are in each."""


@clusters.command("list")
@json_option
@with_app
def list_clusters(as_json: bool) -> None:
    """List the clusters."""
    from app.current import services

    found = services().clusters.all()
    if as_json:
        print_json(found)
        return
    print_table(
        ("cluster", "label", "etiqueta", "rooms", "members", "retired"),
        [
            (
                cluster.id,
                cluster.label_en,
                cluster.label_es,
                cluster.rooms,
                cluster.members,
                f"{cluster.retired_at:%Y-%m-%d}" if cluster.retired_at else None,
            )
            for cluster in found
        ],
        empty="No clusters yet: `manage.py model register` brings those of the model.",
    )


@clusters.command("show")
@click.argument("cluster_id", type=click.IntRange(1, 32767))
@json_option
@with_app
def show_cluster(cluster_id: int, as_json: bool) -> None:
    """Show one cluster."""
    from app.clusters.service import UnknownCluster
    from app.current import services

    try:
        cluster = services().clusters.show(cluster_id)
    except UnknownCluster as unknown:
        raise click.ClickException(
            f"there is no cluster {cluster_id}; `manage.py clusters list` shows those there are"
        ) from unknown
    if as_json:
        print_json(cluster)
        return
    print_fields(
        {
            "cluster": cluster.id,
            "label": cluster.label_en,
            "etiqueta": cluster.label_es,
            "interests": ", ".join(cluster.top_interests),
            "model": cluster.model_id,
            "retired": cluster.retired_at,
            "rooms": cluster.rooms,
            "members": cluster.members,
        }
    )


@clusters.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(("en", "es")), default="en", show_default=True)
def plot(file: Path, language: str) -> None:
    """Draw components by interests as a heat map into FILE (.png or .svg)."""
    from app.clusters.picture import draw
    from model import artifact

    if file.suffix not in (".png", ".svg"):
        raise click.ClickException(f"{file} must end with .png or .svg")
    try:
        draw(artifact.load(), file, language)
    except ImportError as error:
        raise click.ClickException(
            "drawing needs matplotlib: pip install -r requirements-dev.txt"
        ) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} is drawn")
