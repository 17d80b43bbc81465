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

# Cosine at which two components are one cluster's. On the survey, over 60 refits on 80 % of its
# people, a cluster's own component came back with 0.66 at the least (median 0.97), while two
# clusters of one model had 0.42 at the most.
SAME_MEANING = 0.5

# Beyond what the stored factors, of 12 digits, can tell apart.
ROUNDING = 1e-9

# What a component weighs, by interest.
Component = dict[str, float]


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
    serving: str | None
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
            f"model {model.id} cannot follow {history.serving or 'those before it'}: "
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
    before = history.find(history.serving)
    if before is None or before.components is None or before.cluster_ids is None:
        return
    old = _components(before.cluster_ids, before.components, before.interests)
    new = _components(model.cluster_ids, model.components.tolist(), model.interests)
    shared = sorted(old.keys() & new.keys())
    for number in shared:
        cosine = _cosine(old[number], new[number])
        if cosine < SAME_MEANING - ROUNDING:
            yield (
                f"number {number} means another thing: the cosine of its components is "
                f"{cosine:.2f}, and {SAME_MEANING} is the least"
            )
    for one, other in combinations(shared, 2):
        kept = _cosine(old[one], new[one]) + _cosine(old[other], new[other])
        exchanged = _cosine(old[one], new[other]) + _cosine(old[other], new[one])
        if exchanged > kept + ROUNDING:
            yield f"numbers {one} and {other} are exchanged"


def _components(
    numbers: Sequence[int], rows: Sequence[Sequence[float]], interests: Sequence[str]
) -> dict[int, Component]:
    return {
        number: dict(zip(interests, row, strict=True))
        for number, row in zip(numbers, rows, strict=True)
    }


def _cosine(one: Component, other: Component) -> float:
    """The cosine over the union of both vocabularies."""
    keys = sorted(one.keys() | other.keys())
    a, b = (np.array([component.get(key, 0.0) for key in keys]) for component in (one, other))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
