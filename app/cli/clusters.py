"""`manage.py clusters`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.common import json_option, print_fields, print_json, print_table, with_app

if TYPE_CHECKING:
    from app.domain.clusters.repository import ClusterDetails


@click.group()
def clusters() -> None:
    """Clusters: list, show, plot."""


@clusters.command("list")
@json_option
@with_app
def list_clusters(as_json: bool) -> None:
    """List the clusters."""
    from app.services import services

    clusters = services().clusters.all()
    if as_json:
        print_json(clusters)
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
            for cluster in clusters
        ],
        empty="No clusters yet: `manage.py model register` registers those of the model.",
    )


@clusters.command("show")
@click.argument("cluster_id", type=click.IntRange(1, 32767))
@json_option
@with_app
def show_cluster(cluster_id: int, as_json: bool) -> None:
    """Show one cluster."""
    cluster = find_cluster(cluster_id)
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
    from app.cli.component_plot import draw
    from app.cli.plots import drawing
    from model import artifact

    with drawing(file):
        draw(artifact.load(), file, language)


def find_cluster(cluster_id: int) -> "ClusterDetails":
    """Return the cluster with an id. Raises click.ClickException if there is none."""
    from app.domain.clusters.repository import UnknownCluster
    from app.services import services

    try:
        return services().clusters.show(cluster_id)
    except UnknownCluster as unknown:
        raise click.ClickException(
            f"there is no cluster {cluster_id}; `manage.py clusters list` lists them"
        ) from unknown
