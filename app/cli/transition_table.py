"""Draws who goes from which cluster to which."""

import sys
from collections.abc import Mapping, Sequence

# Of the 256 colours that every terminal has, the last 24 are greys.
DARKEST, GREYS = 232, 24


def print_matrix(members: Mapping[tuple[int, int], int], in_use: Sequence[int]) -> None:
    """Print (old cluster, new cluster) → members: on a terminal, the larger its part of the row,
    the lighter a cell. Clusters that are not in use are marked."""
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
    # A pipe has no width, and 80 columns do not hold twelve clusters.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def _shade(share: float) -> str:
    grey = DARKEST + round(share * (GREYS - 1))
    return f"{'black' if share > 0.5 else 'white'} on color({grey})"
