"""Draws what training and evaluating found, in whatever style is set. matplotlib is a development
dependency."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.training.evaluation import Measured
from model.training.stability import Choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {
    "nmf": "NMF (a new model)",
    "published": "NMF (published rule)",
    "kmeans": "k-means",
    "spherical_kmeans": "spherical k-means",
    "random": "random rooms",
}


def draw_comparison(measured: Sequence[Measured]) -> "Figure":
    """Held-out lift with its spread, stability, largest share and error over the rooms' number.

    Raises ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    panels = (
        ("held_out_lift", "held-out lift (1 is chance; bars: standard deviation over splits)"),
        ("stability", "stability (adjusted Rand index)"),
        ("largest_share", "share of people in the largest room"),
        ("reconstruction_error", "reconstruction error"),
    )
    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    for panel, (field, title) in zip(axes.flat, panels, strict=True):
        for method, name in NAMES.items():
            found = [entry for entry in measured if entry.method == method]
            ks, values = [e.k for e in found], [getattr(e, field) for e in found]
            spread = [e.held_out_spread for e in found] if field == "held_out_lift" else None
            panel.errorbar(ks, values, spread, label=name)
        panel.set_title(title)
        panel.set_xlabel("rooms in a city")
    axes[0, 0].legend()
    return figure


def draw_choice(choice: Choice) -> "Figure":
    """The curve that the number of clusters was chosen by.

    Raises ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    ks = [point.k for point in choice.curve]
    for field, label in (
        ("agreement", "agreement (mean of both)"),
        ("top_interests", "top interests (Jaccard)"),
        ("assignments", "rooms (adjusted Rand index)"),
        ("largest_share", "share of the largest room"),
    ):
        above.plot(ks, [getattr(point, field) for point in choice.curve], label=label)
    below.plot(ks, [point.error for point in choice.curve])
    below.set_ylabel("bi-cross-validation error")
    below.set_xlabel("clusters")
    if choice.k:
        for panel in (above, below):
            panel.axvline(choice.k, color="black", linestyle=":")
    above.set_title(f"chosen: {choice.k}" if choice.k else "no structure")
    above.legend()
    return figure
