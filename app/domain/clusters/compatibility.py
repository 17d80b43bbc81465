"""Checks that a new model uses the cluster numbers as the registered models do.

A room keeps its cluster's number forever, and the app shows people what the number means, so a
number must never get another meaning. A model can break this when it was trained without aligning
it to the one in service, or was aligned to an older one after a rollback.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from model.predict import Model
from model.training.alignment import MIN_COSINE, cosines

# The stored factors have 12 digits; smaller differences of cosines are rounding.
TOLERANCE = 1e-9


class IncompatibleModel(Exception):
    """The model reuses, drops or redefines cluster numbers; the text lists all of them."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A registered model; None: a release before migration 0007 did not store the value."""

    id: str
    sha256: str
    interests: list[str]
    cluster_ids: list[int] | None
    components: list[list[float]] | None
    retired: list[int] | None


@dataclass(frozen=True, slots=True)
class History:
    """All registered models; the numbers in use, by the model in service; the retired numbers."""

    models: Sequence[StoredModel]
    in_service: str | None
    in_use: frozenset[int]
    retired: frozenset[int]

    def find(self, model_id: str | None) -> StoredModel | None:
        return next((stored for stored in self.models if stored.id == model_id), None)


def check_compatibility(model: Model, history: History) -> None:
    """Raise IncompatibleModel unless the model may be registered.

    A model that was registered before may come back: that is a rollback.
    """
    stored = history.find(model.id)
    if stored and stored.sha256 != model.sha256:
        raise IncompatibleModel(
            f"model {model.id} is registered with another sha256: train it again, for a new id"
        )
    if stored:
        return
    errors = [*_reused(model, history), *_missing(model, history), *_changed(model, history)]
    if errors:
        raise IncompatibleModel(
            f"model {model.id} cannot follow {history.in_service or 'the earlier models'}: "
            f"{'; '.join(errors)}. Train it again, aligned to the model in service; "
            f"the first unused number is {max(_ever_used(history), default=0) + 1}"
        )


def _ever_used(history: History) -> set[int]:
    """Return every number that a registered model has had or listed as retired."""
    stored = [
        number
        for model in history.models
        for number in (*(model.cluster_ids or ()), *(model.retired or ()))
    ]
    return {*history.in_use, *history.retired, *stored}


def _reused(model: Model, history: History) -> Iterator[str]:
    for number in sorted((_ever_used(history) - history.in_use) & set(model.cluster_ids)):
        yield f"number {number} was retired and may never be used again"


def _missing(model: Model, history: History) -> Iterator[str]:
    for number in sorted(history.in_use - {*model.cluster_ids, *model.retired}):
        yield f"number {number} is in use, but the model neither has nor retires it"


def _changed(model: Model, history: History) -> Iterator[str]:
    """Yield the numbers whose component changed too much or was exchanged with another's.

    Alignment makes an optimal assignment by cosine, which passes the second test: no exchange of
    two numbers makes the sum of the cosines larger.
    """
    previous = history.find(history.in_service)
    if previous is None or previous.components is None or previous.cluster_ids is None:
        return
    old = {number: row for row, number in enumerate(previous.cluster_ids)}
    new = {number: row for row, number in enumerate(model.cluster_ids)}
    shared = sorted(old.keys() & new.keys())
    components = np.array(previous.components)
    similarity = cosines(components, previous.interests, model.matrix, model.interests)[
        np.ix_([old[number] for number in shared], [new[number] for number in shared])
    ]
    for i, number in enumerate(shared):
        if similarity[i, i] < MIN_COSINE - TOLERANCE:
            yield (
                f"number {number} has another meaning: the cosine of its components is "
                f"{similarity[i, i]:.2f}, below {MIN_COSINE}"
            )
    for (i, one), (j, other) in combinations(enumerate(shared), 2):
        exchanged = similarity[i, j] + similarity[j, i]
        if exchanged > similarity[i, i] + similarity[j, j] + TOLERANCE:
            yield f"numbers {one} and {other} are exchanged"
