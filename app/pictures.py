"""How pictures look and where they go, whatever they show. Needs matplotlib, for development."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    """Round a command's drawing into a file; its faults become one clear line.

    Raises click.ClickException.
    """
    check_picture(file)
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} is drawn", err=True)


def save(figure: "Figure", file: Path, salt: str) -> None:
    """Write a figure; the same picture, with the same salt, gives the same file.

    Raises OSError.
    """
    import matplotlib as mpl

    metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(file, dpi=150, bbox_inches="tight", metadata=metadata)
