"""Drawing into a file from a command; every error is one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.infra.plotting import style


def check_picture(file: Path) -> None:
    """Check that a picture can be drawn into a file, before the long work that it shows.

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
    """Apply the common style while a command draws into a file. Raises click.ClickException."""
    check_picture(file)
    try:
        with style():
            yield
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} is drawn", err=True)
