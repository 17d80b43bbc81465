"""How pictures look and where they go, whatever they show. Needs matplotlib, for development."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Lines told apart by colour-blind people (Okabe & Ito, jfly.uni-koeln.de/color), and in grey by
# their marks. Maps by a scale that is as even to them, and in print.
COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#666666", "#009E73", "#CC79A7", "#000000")
MARKS = ("o", "s", "^", "v", "x", "D", "P", "*")
SCALE = "cividis"


def check_picture(file: Path) -> None:
    """Whether a picture could be drawn into a file: asked before long work, not after it.

    Raises click.ClickException.
    """
    if file.suffix not in (".png", ".svg"):
        raise click.ClickException(f"{file} must end with .png or .svg")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise click.ClickException(
            "drawing needs matplotlib: pip install -r requirements-dev.txt"
        ) from error


@contextmanager
def drawing(file: Path) -> Iterator[None]:
    """Round a command's drawing into a file, in the style of all; its faults become one clear line.

    Raises click.ClickException.
    """
    check_picture(file)
    import matplotlib as mpl

    try:
        with mpl.rc_context(_style()):
            yield
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} is drawn", err=True)


def _style() -> Any:
    from cycler import cycler

    small = ("xtick.labelsize", "ytick.labelsize", "legend.fontsize", "axes.labelsize")
    return dict.fromkeys(small, 8) | {
        "axes.prop_cycle": cycler(color=COLOURS, marker=MARKS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "errorbar.capsize": 2,
        "image.cmap": SCALE,
        "legend.frameon": False,
        "lines.markersize": 5,
    }


def save(figure: "Figure", file: Path, salt: str) -> None:
    """Write a figure; the same picture, with the same salt, gives the same file.

    Raises OSError.
    """
    import matplotlib as mpl

    metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(file, dpi=150, bbox_inches="tight", metadata=metadata)
