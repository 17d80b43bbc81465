"""Measures rooms on people that the fit has not seen, for a new model and the baselines.

For each number of rooms and each method, on the same splits:

- held-out lift: fitted on a random half, the lift (`model.training.room_affinity`) of the rooms of
  the other half;
- stability: the mean adjusted Rand index (Hubert & Arabie, Journal of Classification 2, 1985) of
  all people's rooms, between any two fits on a random 80 %;
- reconstruction error, balance and largest share, fitted on all people.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.nnls import ActiveSets, Array
from model.training.baselines import METHODS, Fitted, MethodName, Rooms
from model.training.errors import TrainingDataError
from model.training.parallel import Progress, run_parallel
from model.training.room_affinity import jaccard, lift

SPLITS = 20
SUBSAMPLES = 10
SUBSAMPLE_SHARE = 0.8
# Of more people a random sample is measured: the deviation over splits is then far below 1 %.
MAX_PEOPLE = 2_000
MIN_PEOPLE = 10
SEED = 42


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of one method at one number of rooms.

    Attributes:
        held_out_lift: mean over the splits; 1 is chance.
        held_out_spread: standard deviation over the splits.
        held_out_lowest, held_out_highest: extremes over the splits.
        stability: from 0, chance, to 1, always the same rooms.
        largest_share: share of people in the largest room.
        balance: entropy of the room sizes over that of k equal ones.
        reconstruction_error: ||X - X'||, where X' is W H, or the rooms' means without an H.
    """

    k: int
    method: MethodName
    held_out_lift: float
    held_out_spread: float
    held_out_lowest: float
    held_out_highest: float
    stability: float
    largest_share: float
    balance: float
    reconstruction_error: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return rounded_dict(self)


def evaluate(
    ticks: Array,
    ks: Iterable[int],
    progress: Progress | None = None,
    workers: int = 1,
    splits: int = SPLITS,
    subsamples: int = SUBSAMPLES,
) -> list[Measurement]:
    """Measure every method at every number of rooms. Deterministic for any number of workers.

    Args:
        ticks: (n, m) of 0/1, no empty row.
        ks: numbers of rooms.

    Raises TrainingDataError: too few people or interests for the largest number of rooms.
    """
    ks = sorted(ks)
    people = sample_people(ticks, MAX_PEOPLE)
    half = len(people) // 2
    if half < MIN_PEOPLE or min(half, ticks.shape[1]) < ks[-1]:
        raise TrainingDataError(
            f"{len(ticks)} people and {ticks.shape[1]} interests are too few to compare "
            f"{ks[-1]} rooms: half of the people must be at least {max(MIN_PEOPLE, ks[-1])}"
        )
    affinity = jaccard(people)
    # The longest jobs first.
    arguments = [
        (people, affinity, k, name, splits, subsamples) for k in reversed(ks) for name in METHODS
    ]
    measurements = run_parallel(_measure, arguments, workers, "measuring", progress)
    return sorted(measurements, key=lambda entry: entry.k)


def sample_people(ticks: Array, max_people: int) -> Array:
    """Return the people, or a random `max_people` of them."""
    if len(ticks) <= max_people:
        return ticks
    chosen = np.random.default_rng(SEED).choice(len(ticks), max_people, replace=False)
    return ticks[np.sort(chosen)]


def _measure(
    people: Array, affinity: Array, k: int, name: MethodName, splits: int, subsamples: int
) -> Measurement:
    lifts = [_held_out_lift(people, affinity, k, name, split) for split in range(splits)]
    fitted = METHODS[name](people, k, SEED)
    rooms = fitted.rooms(people)
    shares = np.bincount(rooms, minlength=k) / len(people)
    refits = [
        METHODS[name](people[chosen], k, seed).rooms(people)
        for seed, chosen in enumerate(draw_subsamples(len(people), subsamples))
    ]
    return Measurement(
        k=k,
        method=name,
        held_out_lift=float(np.mean(lifts)),
        held_out_spread=float(np.std(lifts, ddof=1)),
        held_out_lowest=min(lifts),
        held_out_highest=max(lifts),
        stability=mean_rand_index(refits),
        largest_share=float(shares.max()),
        balance=balance(shares),
        reconstruction_error=_reconstruction_error(people, rooms, fitted),
    )


def _held_out_lift(people: Array, affinity: Array, k: int, name: MethodName, split: int) -> float:
    order = np.random.default_rng((SEED, split)).permutation(len(people))
    seen, unseen = np.split(order, [len(people) // 2])
    rooms = METHODS[name](people[seen], k, split).rooms(people[unseen])
    return lift(affinity[np.ix_(unseen, unseen)], rooms)


def draw_subsamples(n: int, count: int) -> list[NDArray[np.intp]]:
    """Return `count` random 80 % of n people, always the same."""
    size = max(2, round(SUBSAMPLE_SHARE * n))
    return [
        np.sort(np.random.default_rng((SEED, 1, sample)).permutation(n)[:size])
        for sample in range(count)
    ]


def mean_rand_index(labellings: Sequence[Rooms]) -> float:
    """Return the mean adjusted Rand index of all pairs of labellings."""
    from sklearn.metrics import adjusted_rand_score

    return float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(labellings, 2)]))


def balance(shares: Array) -> float:
    """Return the entropy of the shares over that of equal ones: 1 if equal, 0 if one has all."""
    if len(shares) == 1:
        return 1.0
    filled = shares[shares > 0]
    return float(-(filled * np.log(filled)).sum() / log(len(shares)))


def rounded_dict(figures: Any) -> dict[str, Any]:
    """Return a dataclass as a dict for JSON, with six decimals."""
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in asdict(figures).items()
    }


def _reconstruction_error(people: Array, rooms: Rooms, fitted: Fitted) -> float:
    if fitted.components is not None:
        weights = ActiveSets(fitted.components).weights_many(people)
        return float(np.linalg.norm(people - weights @ fitted.components))
    means = np.zeros_like(people)
    for room in np.unique(rooms):
        means[rooms == room] = people[rooms == room].mean(axis=0)
    return float(np.linalg.norm(people - means))
