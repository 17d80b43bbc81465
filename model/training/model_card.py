"""The model card: what `nmf.json` says of a fit, and the figures of README.md beside it."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from model.artifact import RULE
from model.interests import Interest, phrase
from model.nnls import ActiveSets, Array, leader
from model.predict import Model
from model.training.evaluation import balance

INTERESTS_IN_LABEL = 3
TOP_INTERESTS = 5
LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")

README = "README.md"
FIGURES = re.compile(r"(?<=<!-- figures: made by model train -->\n).*?(?=<!-- end -->)", re.DOTALL)


def card(
    ticks: Array,
    keys: Sequence[str],
    vocabulary: Sequence[Interest],
    components: Array,
    cluster_ids: Sequence[int],
    parameters: dict[str, Any],
    trained_at: datetime,
    retired: Sequence[int] = (),
) -> dict[str, Any]:
    """What the model card says of a fit to ticks (n, m), besides what `artifact.write` adds."""
    return {
        "trained_at": trained_at.astimezone(UTC).isoformat(),
        "training_users": len(ticks),
        "n_clusters": len(cluster_ids),
        "init": parameters["init"],
        "seed": parameters["random_state"],
        "rule": RULE,
        "parameters": parameters,
        "versions": versions(),
        "metrics": metrics(ticks, components, cluster_ids),
        "clusters": [
            describe(number, row, keys, vocabulary)
            for number, row in zip(cluster_ids, components, strict=True)
        ],
        "retired": list(retired),
    }


def metrics(ticks: Array, components: Array, cluster_ids: Sequence[int]) -> dict[str, Any]:
    """How the model fits the people it was trained on, placed as the service would place them.

    `reconstruction_error` is the Frobenius norm of `ticks - W H`; `balance` the entropy of the
    cluster sizes over that of equal sizes: 1 when all are equal, 0 when one holds everybody.
    """
    weights = ActiveSets(components).weights_many(ticks)
    counts = Counter(leader(weights).tolist())
    sizes = [counts[i] for i in range(len(cluster_ids))]
    error = float(np.linalg.norm(ticks - weights @ components))
    return {
        "reconstruction_error": round(error, 6),
        "cluster_sizes": dict(zip(map(str, cluster_ids), sizes, strict=True)),
        "balance": round(balance(np.array(sizes) / len(ticks)), 6),
    }


def describe(
    number: int, component: Array, keys: Sequence[str], vocabulary: Sequence[Interest]
) -> dict[str, Any]:
    """A cluster's entry in the card: its heaviest interests, and a label from the first three."""
    heaviest = np.argsort(-component, kind="stable")[:TOP_INTERESTS]
    top = [keys[j] for j in heaviest if component[j] > 0]
    return {
        "id": number,
        "label_es": phrase(top[:INTERESTS_IN_LABEL], vocabulary, "es"),
        "label_en": phrase(top[:INTERESTS_IN_LABEL], vocabulary, "en"),
        "top_interests": top,
    }


def versions() -> dict[str, str]:
    """The versions of what the factors came out of."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{library: version(library) for library in LIBRARIES}}


def figures(model: Model) -> str:
    """The model's figures as README.md states them."""
    sizes = model.metrics["cluster_sizes"]
    rows = [f"| {c.id} | {c.label_en} | {sizes[str(c.id)]} |" for c in model.clusters]
    return "\n".join(
        [
            "",
            f"Model {model.id}, all on the {model.training_users} people it was fitted to; nothing "
            "here says how it does on others.",
            "",
            "| cluster | label | people |",
            "|---|---|---|",
            *rows,
            "",
            f"Reconstruction error ‖X − WH‖: {model.metrics['reconstruction_error']}. Balance "
            f"(entropy of the sizes over that of equal sizes): {model.metrics['balance']}.",
            "",
            "",
        ]
    )


def state_figures(directory: Path, model: Model) -> None:
    """Writes the model's figures into the README of its directory, if it has one with a place."""
    file = directory / README
    if not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    stated = FIGURES.sub(lambda _: figures(model), text)
    if stated != text:
        file.write_text(stated, encoding="utf-8")
