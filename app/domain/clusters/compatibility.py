"""Whether a new model uses the cluster numbers as the registered ones do.

A room bears a cluster's number for ever, and its people read what the number means. So a number may
never mean another thing: not in a model that was trained without aligning it to the one in service,
nor in one that was aligned to an older one after a rollback.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from model.predict import Model
from model.training.alignment import SAME, cosines

# Beyond what the stored factors, of 12 digits, can tell apart.
ROUNDING = 1e-9


class ClashingModel(Exception):
    """The artefact uses a number otherwise than the registered models; the text says all of it."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A registered model; what a release before migration 0007 did not store is None."""

    id: str
    sha256: str
    interests: list[str]
    cluster_ids: list[int] | None
    components: list[list[float]] | None
    retired: list[int] | None


@dataclass(frozen=True, slots=True)
class History:
    """All registered models, and the numbers: in use, with the model in service; and retired."""

    models: Sequence[KnownModel]
    in_service: str | None
    in_use: frozenset[int]
    retired: frozenset[int]

    def find(self, model_id: str | None) -> KnownModel | None:
        return next((known for known in self.models if known.id == model_id), None)


def check(model: Model, history: History) -> None:
    """Whether a model may be registered. One that was registered before may come back: a rollback.

    Raises ClashingModel.
    """
    known = history.find(model.id)
    if known and known.sha256 != model.sha256:
        raise ClashingModel(
            f"model {model.id} is registered with another sha256: train it again, for a new id"
        )
    if known:
        return
    faults = [*_reused(model, history), *_skipped(model, history), *_changed(model, history)]
    if faults:
        raise ClashingModel(
            f"model {model.id} cannot follow {history.in_service or 'those before it'}: "
            f"{'; '.join(faults)}. Train it again, aligned to the model in service; "
            f"the first number never used is {_first_unused(history)}"
        )


def _ever_used(history: History) -> set[int]:
    """Every number that a registered model has had, or has known as retired."""
    named = [
        number
        for known in history.models
        for number in (*(known.cluster_ids or ()), *(known.retired or ()))
    ]
    return {*history.in_use, *history.retired, *named}


def _first_unused(history: History) -> int:
    return max(_ever_used(history), default=0) + 1


def _reused(model: Model, history: History) -> Iterator[str]:
    for number in sorted((_ever_used(history) - history.in_use) & set(model.cluster_ids)):
        yield f"number {number} was retired and may never be used again"


def _skipped(model: Model, history: History) -> Iterator[str]:
    for number in sorted(history.in_use - {*model.cluster_ids, *model.retired}):
        yield f"number {number} is in use and is neither among its clusters nor retired"


def _changed(model: Model, history: History) -> Iterator[str]:
    """Numbers whose component is not what it was, alone or exchanged with another's.

    An optimal assignment by cosine, which alignment makes, passes the second test: no exchange of
    two numbers makes the sum of the cosines larger.
    """
    before = history.find(history.in_service)
    if before is None or before.components is None or before.cluster_ids is None:
        return
    old = {number: row for row, number in enumerate(before.cluster_ids)}
    new = {number: row for row, number in enumerate(model.cluster_ids)}
    shared = sorted(old.keys() & new.keys())
    found = cosines(np.array(before.components), before.interests, model.matrix, model.interests)[
        np.ix_([old[number] for number in shared], [new[number] for number in shared])
    ]
    for i, number in enumerate(shared):
        if found[i, i] < SAME - ROUNDING:
            yield (
                f"number {number} means another thing: the cosine of its components is "
                f"{found[i, i]:.2f}, and {SAME} is the least"
            )
    for (i, one), (j, other) in combinations(enumerate(shared), 2):
        if found[i, j] + found[j, i] > found[i, i] + found[j, j] + ROUNDING:
            yield f"numbers {one} and {other} are exchanged"
