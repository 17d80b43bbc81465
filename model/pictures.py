"""Draws what training and evaluating found. matplotlib is a development dependency."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.evaluate import Measured
from model.stability import Choice

NAMES = {
    "nmf": "NMF (a new model)",
    "published": "NMF (published rule)",
    "kmeans": "k-means",
    "spherical_kmeans": "spherical k-means",
    "random": "random rooms",
}
# Told apart by colour-blind people too (Okabe & Ito), and by their marks in grey.
STYLES = {
    "nmf": ("#0072B2", "o"),
    "published": ("#56B4E9", "s"),
    "kmeans": ("#D55E00", "^"),
    "spherical_kmeans": ("#E69F00", "v"),
    "random": ("#666666", "x"),
}


def draw_comparison(measured: Sequence[Measured], file: Path) -> None:
    """Held-out lift with its spread, stability, largest share and error over the rooms' number.

    Raises ImportError without matplotlib, OSError.
    """
    plt = _pyplot()
    panels = (
        ("held_out_lift", "held-out lift (1 is chance; bars: standard deviation over splits)"),
        ("stability", "stability (adjusted Rand index)"),
        ("largest_share", "share of people in the largest room"),
        ("reconstruction_error", "reconstruction error"),
    )
    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    for panel, (field, title) in zip(axes.flat, panels, strict=True):
        for method, (colour, mark) in STYLES.items():
            found = [entry for entry in measured if entry.method == method]
            ks, values = [e.k for e in found], [getattr(e, field) for e in found]
            spread = [e.held_out_spread for e in found] if field == "held_out_lift" else None
            panel.errorbar(
                ks, values, spread, color=colour, marker=mark, capsize=2, label=NAMES[method]
            )
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("rooms in a city")
    axes[0, 0].legend(fontsize=8)
    _save(plt, figure, file)


def draw_choice(choice: Choice, file: Path) -> None:
    """The curve that the number of clusters was chosen by.

    Raises ImportError without matplotlib, OSError.
    """
    plt = _pyplot()
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 7), sharex=True, layout="constrained")
    ks = [point.k for point in choice.curve]
    for field, label, mark in (
        ("agreement", "agreement (mean of both)", "o"),
        ("top_interests", "top interests (Jaccard)", "^"),
        ("assignments", "rooms (adjusted Rand index)", "v"),
        ("largest_share", "share of the largest room", "x"),
    ):
        above.plot(ks, [getattr(point, field) for point in choice.curve], marker=mark, label=label)
    below.plot(ks, [point.error for point in choice.curve], marker="s", color="#666666")
    below.set_ylabel("bi-cross-validation error")
    below.set_xlabel("clusters")
    if choice.k:
        for panel in (above, below):
            panel.axvline(choice.k, color="black", linestyle=":")
    above.set_title(f"chosen: {choice.k}" if choice.k else "no structure")
    above.legend(fontsize=8)
    _save(plt, figure, file)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "nomad-rooms"
    from matplotlib import pyplot as plt

    return plt


def _save(plt: Any, figure: Any, file: Path) -> None:
    metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
    figure.savefig(file, dpi=150, metadata=metadata)
    plt.close(figure)
