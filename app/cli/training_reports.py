"""Tables that `model train` and `model evaluate` print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from app.cli.common import print_table

if TYPE_CHECKING:
    from model.predict import Model
    from model.training.evaluation import Measurement
    from model.training.train import TrainedModel


def print_comparison(measured: "Sequence[Measurement]") -> None:
    """Print a row for each method and number of clusters."""
    from model.training.evaluation import SPLITS

    columns = ("k", "method", "held-out lift", "± over splits", "lowest", "highest", "stability")
    print_table(
        (*columns, "largest share", "balance", "error"),
        [
            (
                entry.k,
                entry.method,
                f"{entry.held_out_lift:.3f}",
                f"{entry.held_out_spread:.3f}",
                f"{entry.held_out_lowest:.3f}",
                f"{entry.held_out_highest:.3f}",
                f"{entry.stability:.3f}",
                f"{entry.largest_share:.0%}",
                f"{entry.balance:.3f}",
                f"{entry.reconstruction_error:.2f}",
            )
            for entry in measured
        ],
        empty="Nothing was measured.",
    )
    click.echo(
        f"lift and its standard deviation over {SPLITS} random halves; chance is 1", err=True
    )


def print_plan(model: "Model", trained: "TrainedModel") -> None:
    """Print the clusters, and how many people would change cluster."""
    sizes = model.metrics["cluster_sizes"]
    print_table(
        ("cluster", "label", "people"),
        [(cluster.id, cluster.label_en, sizes[str(cluster.id)]) for cluster in model.clusters],
        empty="",
    )
    moves = trained.card.get("moves")
    if not moves:
        return
    numbers = [str(number) for number in model.cluster_ids]
    print_table(
        (f"of {moves['previous']}", *(f"to {number}" for number in numbers)),
        [(old, *(row[number] for number in numbers)) for old, row in moves["matrix"].items()],
        empty="",
    )
    click.echo(
        f"{moves['share']:.1%} would change cluster; {moves['share_with_minimum_gain']:.1%} with a "
        f"minimum gain of {moves['minimum_gain']:.0%}"
    )
    if model.retired:
        click.echo(f"retired, never used again: {', '.join(map(str, model.retired))}")
