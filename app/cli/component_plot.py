"""Draws the heat map of components by interests."""

import textwrap
from pathlib import Path

import numpy as np

from app.infra.plotting import save
from model.interests import load_interests
from model.predict import Model

TITLE_AND_UNIT = {
    "en": ("Clusters and their interests", "weight in the cluster"),
    "es": ("Los grupos y sus intereses", "peso en el grupo"),
}


def draw(model: Model, file: Path, language: str) -> None:
    """Draw the model's components (k clusters × m interests), each cell with its weight.

    Raises ImportError without matplotlib, OSError.
    """
    from matplotlib.figure import Figure

    labels = {interest.key: interest.labels[language] for interest in load_interests()}
    title, unit = TITLE_AND_UNIT[language]
    weights = model.matrix.T
    figure = Figure(figsize=(2.4 + 1.9 * weights.shape[1], 0.6 + 0.32 * len(weights)))
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    image = axes.imshow(weights, aspect="auto")
    names = [getattr(cluster, f"label_{language}") for cluster in model.clusters]
    columns = [_wrap(f"{c.id}: {name}") for c, name in zip(model.clusters, names, strict=True)]
    axes.set_xticks(range(len(columns)), columns)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(weights)), [labels.get(key, key) for key in model.interests])
    middle = (np.nanmin(weights) + np.nanmax(weights)) / 2
    for (row, column), weight in np.ndenumerate(weights):
        colour = "black" if weight > middle else "white"
        axes.text(column, row, f"{weight:.2f}", ha="center", va="center", color=colour, fontsize=7)
    axes.set_title(title, pad=12)
    figure.colorbar(image, ax=axes, label=unit, fraction=0.04)
    save(figure, file, model.id)


def _wrap(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 20))
