"""Draws the figures of `model train` and `model evaluate`, in matplotlib's current style."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.training.evaluation import Measurement
from model.training.stability import Choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHOD_NAMES = {
    "nmf": "NMF (a new model)",
    "published": "NMF (published rule)",
    "kmeans": "k-means",
    "spherical_kmeans": "spherical k-means",
    "random": "random rooms",
}
# Field and label of each line.
CHOICE_LINES = (
    ("agreement", "agreement (mean of both)"),
    ("top_interests", "top interests (Jaccard)"),
    ("assignments", "rooms (adjusted Rand index)"),
    ("largest_share", "share of the largest room"),
)
COMPARISON_PANELS = (
    ("held_out_lift", "held-out lift (1 is chance; bars: standard deviation over splits)"),
    ("stability", "stability (adjusted Rand index)"),
    ("largest_share", "share of people in the largest room"),
    ("reconstruction_error", "reconstruction error"),
)


def draw_comparison(measurements: Sequence[Measurement]) -> "Figure":
    """Draw lift, stability, largest share and error of each method over the number of rooms.

    Raises ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    for panel, (field, title) in zip(axes.flat, COMPARISON_PANELS, strict=True):
        for method, name in METHOD_NAMES.items():
            entries = [entry for entry in measurements if entry.method == method]
            ks, values = [e.k for e in entries], [getattr(e, field) for e in entries]
            spread = [e.held_out_spread for e in entries] if field == "held_out_lift" else None
            panel.errorbar(ks, values, spread, label=name)
        panel.set_title(title)
        panel.set_xlabel("rooms in a city")
    axes[0, 0].legend()
    return figure


def draw_choice(choice: Choice) -> "Figure":
    """Draw the figures by which the number of clusters was chosen.

    Raises ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    ks = [point.k for point in choice.curve]
    for field, label in CHOICE_LINES:
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
