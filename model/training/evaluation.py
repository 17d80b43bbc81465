"""How good the rooms are, beside other ways of making them: on people the fit has not seen.

For each number of rooms and each method, on the same splits:

- held-out lift: fitted on a random half, the lift (`model.training.room_affinity`) of the rooms of
  the other;
- stability: the mean adjusted Rand index (Hubert & Arabie, Journal of Classification 2, 1985) of
  the rooms of everybody, between any two fits on a random 80 %;
- reconstruction error, balance and largest share, fitted on everybody.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.nnls import ActiveSets, Array
from model.training.baselines import METHODS, Fitted, Name, Rooms
from model.training.room_affinity import jaccard, lift
from model.training.survey import SurveyError

SPLITS = 20
SUBSAMPLES = 10
SUBSAMPLE = 0.8
# Of more people a random sample is measured: the spread over splits is then far below a percent.
MOST_PEOPLE = 2_000
FEWEST_PEOPLE = 10
SEED = 42

Told = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One method at one number of rooms.

    Attributes:
        held_out_lift: the mean over the splits; 1 is chance.
        held_out_spread: their standard deviation.
        held_out_lowest, held_out_highest: their extremes.
        stability: from 0, chance, to 1, always the same rooms.
        largest_share: of all people, in the largest room.
        balance: entropy of the room sizes over that of k equal ones.
        reconstruction_error: ||X - X'||, X' being W H, or the means of the rooms where there is no
            H.
    """

    k: int
    method: Name
    held_out_lift: float
    held_out_spread: float
    held_out_lowest: float
    held_out_highest: float
    stability: float
    largest_share: float
    balance: float
    reconstruction_error: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON: figures at six decimals."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def evaluate(
    ticks: Array,
    ks: Iterable[int],
    told: Told | None = None,
    workers: int = 1,
    splits: int = SPLITS,
    subsamples: int = SUBSAMPLES,
) -> list[Measured]:
    """Every method at every number of rooms in `ks`; deterministic, whatever the `workers`.

    Args:
        ticks: (n, m) of 0/1, nobody empty.
        told: called after each number of rooms, with a step and how many there are.

    Raises:
        SurveyError: there are too few people or interests for the largest number of rooms.
    """
    from joblib import Parallel, delayed

    wanted = sorted(ks)
    people = sampled(ticks)
    half = len(people) // 2
    if half < FEWEST_PEOPLE or min(half, ticks.shape[1]) < wanted[-1]:
        raise SurveyError(
            f"{len(ticks)} people and {ticks.shape[1]} interests are too few to compare "
            f"{wanted[-1]} rooms: half of the people must be {max(FEWEST_PEOPLE, wanted[-1])}"
        )
    affinity = jaccard(people)
    jobs = [(k, name) for k in reversed(wanted) for name in METHODS]
    found = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_measured)(people, affinity, k, name, splits, subsamples) for k, name in jobs
    )
    done = []
    for measured in found:
        done.append(measured)
        if told:
            told("measuring", len(jobs))
    order = list(METHODS)
    return sorted(done, key=lambda entry: (entry.k, order.index(entry.method)))


def sampled(ticks: Array, most: int = MOST_PEOPLE) -> Array:
    """The people, or `most` of them by chance."""
    if len(ticks) <= most:
        return ticks
    chosen = np.random.default_rng(SEED).choice(len(ticks), most, replace=False)
    return ticks[np.sort(chosen)]


def _measured(
    people: Array, affinity: Array, k: int, name: Name, splits: int, subsamples: int
) -> Measured:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Matrices this small only lose by being shared among threads.
    with threadpool_limits(limits=1):
        lifts = [_held_out(people, affinity, k, name, split) for split in range(splits)]
        fitted = METHODS[name](people, k, SEED)
        rooms = fitted.rooms(people)
        shares = np.bincount(rooms, minlength=k) / len(people)
        return Measured(
            k=k,
            method=name,
            held_out_lift=float(np.mean(lifts)),
            held_out_spread=float(np.std(lifts, ddof=1)),
            held_out_lowest=min(lifts),
            held_out_highest=max(lifts),
            stability=agreement(_subsampled(people, k, name, subsamples)),
            largest_share=float(shares.max()),
            balance=balance(shares),
            reconstruction_error=_error(people, rooms, fitted),
        )


def _held_out(people: Array, affinity: Array, k: int, name: Name, split: int) -> float:
    order = np.random.default_rng((SEED, split)).permutation(len(people))
    seen, unseen = np.split(order, [len(people) // 2])
    rooms = METHODS[name](people[seen], k, split).rooms(people[unseen])
    return lift(affinity[np.ix_(unseen, unseen)], rooms)


def _subsampled(people: Array, k: int, name: Name, number: int) -> list[Rooms]:
    return [
        METHODS[name](people[chosen], k, sample).rooms(people)
        for sample, chosen in enumerate(draws(len(people), number))
    ]


def draws(n: int, number: int) -> list[NDArray[np.intp]]:
    """`number` random 80 % of n people, always the same."""
    size = max(2, round(SUBSAMPLE * n))
    return [
        np.sort(np.random.default_rng((SEED, 1, sample)).permutation(n)[:size])
        for sample in range(number)
    ]


def agreement(labellings: Sequence[Rooms]) -> float:
    """The mean adjusted Rand index of any two."""
    from sklearn.metrics import adjusted_rand_score

    return float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(labellings, 2)]))


def balance(shares: Array) -> float:
    """Entropy of the shares over that of equal ones: 1 when all are equal, 0 when one has all."""
    if len(shares) == 1:
        return 1.0
    filled = shares[shares > 0]
    return float(-(filled * np.log(filled)).sum() / log(len(shares)))


def _error(people: Array, rooms: Rooms, fitted: Fitted) -> float:
    if fitted.components is not None:
        weights = ActiveSets(fitted.components).weights_many(people)
        return float(np.linalg.norm(people - weights @ fitted.components))
    given = np.zeros_like(people)
    for room in np.unique(rooms):
        given[rooms == room] = people[rooms == room].mean(axis=0)
    return float(np.linalg.norm(people - given))
