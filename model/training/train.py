"""Trains a model: `manage.py model train`.

The same data give the same bytes: the factors are stored at 12 significant digits, beyond which
BLAS kernels differ, and the model's time is that of the last answer, not of the training.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from model import artifact
from model.nnls import Array
from model.predict import Model
from model.training.alignment import align, count_moves
from model.training.fitting import PUBLISHED_PARAMETERS, fit, fit_new, nmf_parameters
from model.training.model_card import build_card, write_figures
from model.training.profiles import Profiles
from model.training.stability import Choice

# Of a model whose data have no times: a constant, so that the same data give the same bytes.
DEFAULT_DATE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that is not yet on disk: the arguments of `artifact.write`."""

    components: Array
    interests: tuple[str, ...]
    cluster_ids: tuple[int, ...]
    card: dict[str, Any]


def train_published(profiles: Profiles, trained_at: datetime) -> TrainedModel:
    """Train with the parameters and cluster numbers of the published model.

    Raises TrainingDataError if there are fewer people or interests than components.
    """
    components = fit(profiles.ticks, PUBLISHED_PARAMETERS)
    ids = tuple(range(1, len(components) + 1))
    card = build_card(profiles, components, ids, PUBLISHED_PARAMETERS, trained_at)
    return TrainedModel(components, profiles.interests, ids, card)


def train_new(
    profiles: Profiles,
    k: int,
    trained_at: datetime,
    previous: Model | None = None,
    choice: Choice | None = None,
) -> TrainedModel:
    """Train a model of k clusters, which keep their numbers in `previous`.

    `choice`: how k was chosen, for the card. Raises TrainingDataError: too few people or interests
    for k clusters.
    """
    components = fit_new(profiles.ticks, k)
    ids, retired = tuple(range(1, k + 1)), tuple[int, ...]()
    if previous:
        alignment = align(components, profiles.interests, previous)
        components = components[np.argsort(alignment.cluster_ids)]
        ids, retired = tuple(sorted(alignment.cluster_ids)), alignment.retired
    card = build_card(profiles, components, ids, nmf_parameters(k), trained_at, retired)
    card["fit"] = "NMF, components at unit length, sharpened for room affinity"
    if previous:
        card["moves"] = count_moves(profiles.ticks, profiles.interests, components, ids, previous)
    if choice:
        card["clusters_chosen"] = choice.as_dict()
    return TrainedModel(components, profiles.interests, ids, card)


def build_model(trained: TrainedModel) -> Model:
    """Return the model without writing it. Raises ArtifactError."""
    with TemporaryDirectory() as scratch:
        return _write(Path(scratch), trained)


def save_model(directory: Path, trained: TrainedModel) -> Model:
    """Write the model's files, and its figures into the README beside them.

    Raises:
        ArtifactError: the factors and the card do not fit; nothing is written.
        OSError: the directory cannot be written.
    """
    model = _write(directory, trained)
    write_figures(directory, model)
    return model


def _write(directory: Path, trained: TrainedModel) -> Model:
    return artifact.write(
        directory,
        components=trained.components,
        interests=trained.interests,
        cluster_ids=trained.cluster_ids,
        card=trained.card,
    )


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time, as UTC without an offset. Raises ValueError."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
