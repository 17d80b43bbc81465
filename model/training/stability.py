"""Chooses the number of clusters: the largest that is stable if a fifth of the people are left out.

For each k, NMF is fitted to several random 80 % of the people. Each pair of fits is compared by the
top interests of the components (Greene, O'Callaghan & Cunningham, How Many Topics? Stability
Analysis for Topic Models, ECML PKDD 2014) and by the people's rooms (adjusted Rand index). The
choice is the largest of the numbers on which the fits agree best.

Fits agree to some degree on any data, so a permutation test first decides whether there is any
structure (`model.training.permutation_test`). A k whose largest room has more than `MAX_ROOM_SHARE`
of the people is excluded. The error of bi-cross-validation (Owen & Perry, Bi-cross-validation of
the SVD and the nonnegative matrix factorization, Annals of Applied Statistics 3, 2009) is reported
but does not decide: how well blocks of people and interests that were left out are predicted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from model.nnls import ActiveSets, Array
from model.training.baselines import by_weight, new_model
from model.training.cluster_counts import CLUSTER_COUNTS
from model.training.errors import TrainingDataError
from model.training.evaluation import (
    SEED,
    draw_subsamples,
    mean_rand_index,
    rounded_dict,
    sample_people,
)
from model.training.fitting import fit_nonzero
from model.training.parallel import Progress, run_parallel
from model.training.permutation_test import MIN_DEVIATIONS, structure

SUBSAMPLES = 8
MAX_PEOPLE = 1_000
MAX_ROOM_SHARE = 0.7
# Agreements this close to the best count as equal.
AGREEMENT_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class Stability:
    """The figures of one number of clusters.

    Attributes:
        top_interests: mean overlap of the matched components' top interests, 0 to 1.
        assignments: mean adjusted Rand index of the people's rooms.
        error: root mean square error of bi-cross-validation.
        largest_share: share of people in the largest room of the model that would be trained.
    """

    k: int
    top_interests: float
    assignments: float
    error: float
    largest_share: float

    @property
    def agreement(self) -> float:
        """The mean of both agreements."""
        return (self.top_interests + self.assignments) / 2


@dataclass(frozen=True, slots=True)
class Choice:
    """The number of clusters (None: no structure), the reason, and the figures of each number."""

    k: int | None
    why: str
    curve: tuple[Stability, ...]
    people: int

    def as_dict(self) -> dict[str, Any]:
        """Return the choice for the model card."""
        curve = [rounded_dict(point) for point in self.curve]
        return {"k": self.k, "why": self.why, "people": self.people, "curve": curve}


def choose(
    ticks: Array,
    ks: Iterable[int] = CLUSTER_COUNTS,
    progress: Progress | None = None,
    workers: int = 1,
) -> Choice:
    """Choose the number of clusters of ticks (n, m) of 0/1, on at most 1,000 random people.

    Deterministic for any number of workers. Raises TrainingDataError: too few people or interests
    for two clusters.
    """
    people = sample_people(ticks, MAX_PEOPLE)
    # Bi-cross-validation fits k components to half of the interests.
    max_k = min(people.shape[0] // 10, people.shape[1] // 2)
    possible = [k for k in sorted(ks) if k <= max_k]
    if not possible:
        raise TrainingDataError(
            f"{ticks.shape[0]} people and {ticks.shape[1]} interests are too few to choose a "
            "number of clusters: specify one"
        )
    excess = structure(people)
    if excess < MIN_DEVIATIONS:
        why = (
            "no structure: interests go together no more than by chance "
            f"({excess:.1f} standard deviations above it; {MIN_DEVIATIONS:.0f} would be clear)"
        )
        return Choice(None, why, (), len(people))
    arguments = [(people, k) for k in reversed(possible)]  # the longest jobs first
    curve = run_parallel(_stability, arguments, workers, "trying numbers of clusters", progress)
    return _choose_from_curve(curve[::-1], len(people))


def _choose_from_curve(curve: list[Stability], people: int) -> Choice:
    eligible = [point for point in curve if point.largest_share <= MAX_ROOM_SHARE]
    if not eligible:
        why = f"no structure: at every number of clusters one room holds over {MAX_ROOM_SHARE:.0%}"
        return Choice(None, why, tuple(curve), people)
    min_agreement = max(point.agreement for point in eligible) - AGREEMENT_TOLERANCE
    best = max((p for p in eligible if p.agreement >= min_agreement), key=lambda p: p.k)
    min_error = min(curve, key=lambda point: point.error)
    # The model card quotes this text: another wording would change the bytes of the same training.
    why = (
        f"{best.k} clusters: of the numbers whose fits agree best ({best.agreement:.2f} of 1) "
        f"the largest; its largest room holds {best.largest_share:.0%} of the people. "
        f"Bi-cross-validation has its least error at {min_error.k}"
    )
    return Choice(best.k, why, tuple(curve), people)


def _stability(people: Array, k: int) -> Stability:
    fits = [fit_nonzero(people[some], k) for some in draw_subsamples(len(people), SUBSAMPLES)]
    rooms = new_model(people, k, SEED).rooms(people)
    return Stability(
        k=k,
        top_interests=float(np.mean([_top_overlap(a, b) for a, b in combinations(fits, 2)])),
        assignments=mean_rand_index([by_weight(fit).rooms(people) for fit in fits]),
        error=bi_cross_validation(people, k),
        largest_share=float(np.bincount(rooms).max() / len(people)),
    )


def _top_overlap(a: Array, b: Array) -> float:
    """Return the mean similarity of the top interests, components matched by largest similarity.

    The weighted Jaccard similarity (sum of minima over sum of maxima), because the order of
    interests of equal weight is random.
    """
    from scipy.optimize import linear_sum_assignment

    x, y = _top_weights(a)[:, None], _top_weights(b)
    overlap = np.minimum(x, y).sum(axis=2) / np.maximum(x, y).sum(axis=2)
    matched = linear_sum_assignment(-overlap)
    return float(overlap[matched].sum() / max(overlap.shape))


def _top_weights(components: Array) -> Array:
    """Return the components with only their top interests: m / k of them, rounded up."""
    count = -(-components.shape[1] // len(components))
    tops = np.zeros_like(components)
    heaviest = np.argsort(-components, axis=1, kind="stable")[:, :count]
    np.put_along_axis(tops, heaviest, np.take_along_axis(components, heaviest, 1), 1)
    return tops


def bi_cross_validation(ticks: Array, k: int) -> float:
    """Return the root mean square error of 2 x 2 blocks, each predicted from the other three.

    To predict A of blocks [[A, B], [C, D]], D is factorised into W H, W_A is solved from B ~ W_A H
    and H_A from C ~ W H_A, and the prediction is W_A H_A.
    """
    rng = np.random.default_rng((SEED, 2))
    rows = np.array_split(rng.permutation(len(ticks)), 2)
    columns = np.array_split(rng.permutation(ticks.shape[1]), 2)
    squares = 0.0
    for i in range(2):
        for j in range(2):
            a, d = np.ix_(rows[i], columns[j]), np.ix_(rows[1 - i], columns[1 - j])
            b, c = np.ix_(rows[i], columns[1 - j]), np.ix_(rows[1 - i], columns[j])
            sets = ActiveSets(fit_nonzero(ticks[d], k))
            w_a, w = sets.weights_many(ticks[b]), sets.weights_many(ticks[d])
            h_a = np.linalg.lstsq(w, ticks[c], rcond=None)[0].clip(min=0)
            squares += float(((ticks[a] - w_a @ h_a) ** 2).sum())
    return float(np.sqrt(squares / ticks.size))
