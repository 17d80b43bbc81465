"""How many clusters the data have: the most that come back when a fifth of the people are left out.

For each k, NMF is fitted to several random 80 % of the people, and two things are asked of any
two fits: do their components have the same top interests (Greene, O'Callaghan & Cunningham, How
Many Topics? Stability Analysis for Topic Models, ECML PKDD 2014), and do they put people into the
same rooms (adjusted Rand)? Of the numbers on which the fits agree best, the largest is taken.

Fits agree somehow on any data, so whether there is structure is asked first: do interests go
together more than they would by chance, everybody ticking as many and every interest being ticked
as often (`model.training.permutation_test`)?

Beside it stands the error of bi-cross-validation (Owen & Perry, Bi-cross-validation of the SVD and
the nonnegative matrix factorization, Annals of Applied Statistics 3, 2009), which tells how well
blocks of people and interests that were left out are foretold; a room that holds more than
`LARGEST_SHARE` of the people rules a k out.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from model.nnls import ActiveSets, Array
from model.training.baselines import by_weight, ours, solid
from model.training.evaluation import SEED, Told, agreement, draws, sampled
from model.training.fitting import components_of, parameters_of
from model.training.permutation_test import CLEAR, structure
from model.training.survey import SurveyError

SUBSAMPLES = 8
MOST_PEOPLE = 1_000
LARGEST_SHARE = 0.7
# Agreements this near the best are as good; of those the most clusters are taken.
AS_GOOD = 0.03
FEWEST, MOST = 2, 12


@dataclass(frozen=True, slots=True)
class Stability:
    """What is known of one number of clusters.

    Attributes:
        top_interests: mean overlap of the matched components' top interests, 0 to 1.
        assignments: mean adjusted Rand index of the people's rooms.
        error: root mean square error of the blocks left out (bi-cross-validation).
        largest_share: of the people, in the largest room of the model that would be trained.
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
    """The number of clusters, None where there is no structure; why; and the curve."""

    k: int | None
    why: str
    curve: tuple[Stability, ...]
    people: int

    def as_dict(self) -> dict[str, Any]:
        """For the card: figures at six decimals."""
        curve = [
            {name: round(v, 6) if isinstance(v, float) else v for name, v in asdict(point).items()}
            for point in self.curve
        ]
        return {"k": self.k, "why": self.why, "people": self.people, "curve": curve}


def choose(
    ticks: Array,
    ks: Iterable[int] = range(FEWEST, MOST + 1),
    told: Told | None = None,
    workers: int = 1,
) -> Choice:
    """The number of clusters of ticks (n, m) of 0/1; deterministic, whatever the `workers`.

    Of more than 1,000 people a random 1,000 are looked at.

    Raises:
        SurveyError: there are too few people or interests for two clusters.
    """
    from joblib import Parallel, delayed

    people = sampled(ticks, MOST_PEOPLE)
    # A half of the interests must still have k components in bi-cross-validation.
    most = min(people.shape[0] // 10, people.shape[1] // 2)
    possible = [k for k in sorted(ks) if k <= most]
    if not possible:
        raise SurveyError(
            f"{ticks.shape[0]} people and {ticks.shape[1]} interests are too few to choose a "
            "number of clusters: give one"
        )
    excess = structure(people)
    if excess < CLEAR:
        why = (
            "no structure: interests go together no more than by chance "
            f"({excess:.1f} standard deviations above it; {CLEAR:.0f} would be clear)"
        )
        return Choice(None, why, (), len(people))
    curve = []
    for point in Parallel(n_jobs=workers, return_as="generator")(
        delayed(_stability)(people, k) for k in reversed(possible)
    ):
        curve.append(point)
        if told:
            told("trying numbers of clusters", len(possible))
    return chosen(sorted(curve, key=lambda point: point.k), len(people))


def chosen(curve: list[Stability], people: int) -> Choice:
    """The choice from the curve."""
    standing = [point for point in curve if point.largest_share <= LARGEST_SHARE]
    if not standing:
        why = f"no structure: at every number of clusters one room holds over {LARGEST_SHARE:.0%}"
        return Choice(None, why, tuple(curve), people)
    best = max(point.agreement for point in standing)
    taken = max((p for p in standing if p.agreement >= best - AS_GOOD), key=lambda p: p.k)
    least = min(curve, key=lambda point: point.error)
    why = (
        f"{taken.k} clusters: of the numbers whose fits agree best ({taken.agreement:.2f} of 1) "
        f"the largest; its largest room holds {taken.largest_share:.0%} of the people. "
        f"Bi-cross-validation has its least error at {least.k}"
    )
    return Choice(taken.k, why, tuple(curve), people)


def _stability(people: Array, k: int) -> Stability:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        tops, assignments = _agreements(people, k, SUBSAMPLES)
        rooms = ours(people, k, SEED).rooms(people)
        return Stability(
            k=k,
            top_interests=tops,
            assignments=assignments,
            error=bi_cross_validation(people, k),
            largest_share=float(np.bincount(rooms).max() / len(people)),
        )


def _agreements(people: Array, k: int, number: int) -> tuple[float, float]:
    """Of the top interests, and of the rooms, over fits on `number` subsamples."""
    fits = [_components(people[some], k) for some in draws(len(people), number)]
    tops = [_same_tops(a, b) for a, b in combinations(fits, 2)]
    return float(np.mean(tops)), agreement([by_weight(fit).rooms(people) for fit in fits])


def _components(people: Array, k: int) -> Array:
    return solid(components_of(people, parameters_of(k)))


def _same_tops(a: Array, b: Array) -> float:
    """Mean similarity of the top interests of components matched to be most alike.

    Jaccard's, with weights (sum of minima over sum of maxima): between interests of equal weight
    it is chance which come out on top.
    """
    from scipy.optimize import linear_sum_assignment

    x, y = _tops(a)[:, None], _tops(b)
    overlap = np.minimum(x, y).sum(axis=2) / np.maximum(x, y).sum(axis=2)
    matched = linear_sum_assignment(-overlap)
    return float(overlap[matched].sum() / max(overlap.shape))


def _tops(components: Array) -> Array:
    """The components with their top interests only: as many as there are for each cluster."""
    number = -(-components.shape[1] // len(components))
    tops = np.zeros_like(components)
    heaviest = np.argsort(-components, axis=1, kind="stable")[:, :number]
    np.put_along_axis(tops, heaviest, np.take_along_axis(components, heaviest, 1), 1)
    return tops


def bi_cross_validation(ticks: Array, k: int) -> float:
    """Root mean square error of two by two blocks left out, each foretold from the other three.

    Of blocks [[A, B], [C, D]] A is left out: D is factorised into W H, B gives the people of A
    their weights (B ~ W_A H), C the interests of A their components (C ~ W H_A), and A is
    foretold as W_A H_A.
    """
    rng = np.random.default_rng((SEED, 2))
    rows = np.array_split(rng.permutation(len(ticks)), 2)
    columns = np.array_split(rng.permutation(ticks.shape[1]), 2)
    squares = 0.0
    for i in range(2):
        for j in range(2):
            a, d = np.ix_(rows[i], columns[j]), np.ix_(rows[1 - i], columns[1 - j])
            b, c = np.ix_(rows[i], columns[1 - j]), np.ix_(rows[1 - i], columns[j])
            found = _components(ticks[d], k)
            sets = ActiveSets(found)
            people, seen = sets.weights_many(ticks[b]), sets.weights_many(ticks[d])
            interests = np.linalg.lstsq(seen, ticks[c], rcond=None)[0].clip(min=0)
            squares += float(((ticks[a] - people @ interests) ** 2).sum())
    return float(np.sqrt(squares / ticks.size))
