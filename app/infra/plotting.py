"""The style of all pictures, and saving them. Needs matplotlib, a development requirement."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colour-blind people can distinguish the colours (Okabe & Ito, jfly.uni-koeln.de/color), and in
# grey the marks distinguish the lines. The colour map is perceptually uniform for both.
COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#666666", "#009E73", "#CC79A7", "#000000")
MARKS = ("o", "s", "^", "v", "x", "D", "P", "*")
COLOUR_MAP = "cividis"
SMALL_TEXTS = ("xtick.labelsize", "ytick.labelsize", "legend.fontsize", "axes.labelsize")


def style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws in the common style."""
    import matplotlib as mpl
    from cycler import cycler

    settings: dict[Any, Any] = {
        **dict.fromkeys(SMALL_TEXTS, 8),
        "axes.prop_cycle": cycler(color=COLOURS, marker=MARKS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "errorbar.capsize": 2,
        "image.cmap": COLOUR_MAP,
        "legend.frameon": False,
        "lines.markersize": 5,
    }
    return mpl.rc_context(settings)


def save(figure: "Figure", file: Path, salt: str) -> None:
    """Write a figure; the same picture with the same salt gives the same bytes. Raises OSError."""
    import matplotlib as mpl

    metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(file, dpi=150, bbox_inches="tight", metadata=metadata)
