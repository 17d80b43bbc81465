"""Prints how many members move from which cluster to which."""

import sys
from collections.abc import Mapping, Sequence

from app.cli.common import PIPE_WIDTH

# The last 24 of a terminal's 256 colours are greys.
DARKEST_GREY, GREY_COUNT = 232, 24


def print_matrix(members: Mapping[tuple[int, int], int], in_use: Sequence[int]) -> None:
    """Print (old cluster, new cluster) → members; retired clusters are marked.

    On a terminal, a cell is the lighter, the larger its share of the row.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    olds, news = sorted({old for old, _ in members}), sorted({new for _, new in members})
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("from cluster")
    for new in news:
        table.add_column(f"to {new}", justify="right")
    table.add_column("leave", justify="right")
    for old in olds:
        row = [members.get((old, new), 0) for new in news]
        total = sum(row)
        cells = [Text(f" {number:,}", style=_shade(number / total)) for number in row]
        leave = total - members.get((old, old), 0)
        table.add_row(f"{old}" if old in in_use else f"{old}, retired", *cells, f"{leave:,}")
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False).print(table)


def _shade(share: float) -> str:
    grey = DARKEST_GREY + round(share * (GREY_COUNT - 1))
    return f"{'black' if share > 0.5 else 'white'} on color({grey})"
