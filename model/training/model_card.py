"""Builds the model card, `nmf.json`, and writes its figures into the README.md beside it."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from model.artifact import RULE
from model.interests import Interest, load_interests, phrase
from model.nnls import ActiveSets, Array, leader
from model.predict import Model
from model.training.evaluation import balance
from model.training.profiles import Profiles

INTERESTS_IN_LABEL = 3
TOP_INTERESTS = 5
LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")

README = "README.md"
FIGURES = re.compile(r"(?<=<!-- figures: made by model train -->\n).*?(?=<!-- end -->)", re.DOTALL)


def build_card(
    profiles: Profiles,
    components: Array,
    cluster_ids: Sequence[int],
    parameters: dict[str, Any],
    trained_at: datetime,
    retired: Sequence[int] = (),
) -> dict[str, Any]:
    """Return the model card of a fit, without what `artifact.write` adds."""
    vocabulary = load_interests()
    return {
        "trained_at": trained_at.astimezone(UTC).isoformat(),
        "training_users": len(profiles.ticks),
        "n_clusters": len(cluster_ids),
        "init": parameters["init"],
        "seed": parameters["random_state"],
        "rule": RULE,
        "parameters": parameters,
        "versions": library_versions(),
        "metrics": metrics(profiles.ticks, components, cluster_ids),
        "clusters": [
            describe_cluster(number, row, profiles.interests, vocabulary)
            for number, row in zip(cluster_ids, components, strict=True)
        ],
        "retired": list(retired),
    }


def metrics(ticks: Array, components: Array, cluster_ids: Sequence[int]) -> dict[str, Any]:
    """Return how the model fits its training data, assigned as in service.

    `reconstruction_error` is the Frobenius norm of `ticks - W H`; `balance` the entropy of the
    cluster sizes over that of equal sizes: 1 if all are equal, 0 if one has all people.
    """
    weights = ActiveSets(components).weights_many(ticks)
    sizes = np.bincount(leader(weights), minlength=len(cluster_ids))
    error = float(np.linalg.norm(ticks - weights @ components))
    return {
        "reconstruction_error": round(error, 6),
        "cluster_sizes": dict(zip(map(str, cluster_ids), sizes.tolist(), strict=True)),
        "balance": round(balance(sizes / len(ticks)), 6),
    }


def describe_cluster(
    number: int, component: Array, keys: Sequence[str], vocabulary: Sequence[Interest]
) -> dict[str, Any]:
    """Return a cluster's entry in the card: its heaviest interests, and a label of three."""
    heaviest = np.argsort(-component, kind="stable")[:TOP_INTERESTS]
    top = [keys[j] for j in heaviest if component[j] > 0]
    return {
        "id": number,
        "label_es": phrase(top[:INTERESTS_IN_LABEL], vocabulary, "es"),
        "label_en": phrase(top[:INTERESTS_IN_LABEL], vocabulary, "en"),
        "top_interests": top,
    }


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that affect the factors."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{library: version(library) for library in LIBRARIES}}


def format_figures(model: Model) -> str:
    """Return the model's figures as the section of README.md."""
    sizes = model.metrics["cluster_sizes"]
    rows = [f"| {c.id} | {c.label_en} | {sizes[str(c.id)]} |" for c in model.clusters]
    return "\n".join(
        [
            "",
            f"Model {model.id}, measured on the {model.training_users} people that it was fitted "
            "to, so the figures do not apply to others.",
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


def write_figures(directory: Path, model: Model) -> None:
    """Write the model's figures into the README of its directory, if it has the markers."""
    file = directory / README
    if not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    updated = FIGURES.sub(lambda _: format_figures(model), text)
    if updated != text:
        file.write_text(updated, encoding="utf-8")
