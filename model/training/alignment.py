"""Aligns a new model's components to the cluster numbers of the previous model.

The order of NMF's components is arbitrary. Each new component gets the number of the most similar
previous one: the assignment of largest total cosine (Kuhn, The Hungarian method, 1955) over the
union of both vocabularies. A component that is similar to none gets a number that was never used,
and a number without a new component is retired for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from model.nnls import ActiveSets, Array, leader
from model.predict import Model
from model.training.room_affinity import normalize

# Below this cosine a component is a different one. In 60 refits on 80 % of the survey's people, the
# cosine of a cluster's own component was at least 0.66 (median 0.97), and that of two clusters of
# one model at most 0.42.
MIN_COSINE = 0.5
# Share by which the new cluster's weight must exceed the old cluster's for a move to be worth it.
MIN_GAIN = 0.25


@dataclass(frozen=True, slots=True)
class Alignment:
    """The numbers of a new model's components.

    Attributes:
        cluster_ids: (k) number of each component, in the components' order.
        retired: all numbers that must not be used again, ascending.
    """

    cluster_ids: tuple[int, ...]
    retired: tuple[int, ...]


def align(components: Array, interests: Sequence[str], previous: Model) -> Alignment:
    """Number `components` (k, m), whose columns are `interests`, as `previous` does."""
    from scipy.optimize import linear_sum_assignment

    similarity = cosines(previous.matrix, previous.interests, components, interests)
    numbers: dict[int, int] = {
        int(j): previous.cluster_ids[i]
        for i, j in zip(*linear_sum_assignment(-similarity), strict=True)
        if similarity[i, j] >= MIN_COSINE
    }
    unused = count(max((*previous.cluster_ids, *previous.retired)) + 1)
    cluster_ids = tuple(
        numbers[j] if j in numbers else next(unused) for j in range(len(components))
    )
    retired = {*previous.cluster_ids, *previous.retired}.difference(cluster_ids)
    return Alignment(cluster_ids, tuple(sorted(retired)))


def cosines(
    old: Array, old_interests: Sequence[str], new: Array, new_interests: Sequence[str]
) -> Array:
    """Return the cosines (o, n) of old components (o, m) and new ones (n, l)."""
    union = list(dict.fromkeys((*old_interests, *new_interests)))
    old_units = normalize(reindex(old, old_interests, union))
    similarity: Array = old_units @ normalize(reindex(new, new_interests, union)).T
    return similarity


def reindex(rows: Array, columns: Sequence[str], new_columns: Sequence[str]) -> Array:
    """Return rows with their columns in another order; new columns are 0."""
    position = {name: j for j, name in enumerate(columns)}
    shared = [name for name in new_columns if name in position]
    new_position = {name: j for j, name in enumerate(new_columns)}
    reindexed = np.zeros((len(rows), len(new_columns)))
    reindexed[:, [new_position[name] for name in shared]] = rows[
        :, [position[name] for name in shared]
    ]
    return reindexed


def count_moves(
    ticks: Array,
    interests: Sequence[str],
    components: Array,
    cluster_ids: Sequence[int],
    previous: Model,
) -> dict[str, Any]:
    """Count the people (n, m) whose cluster would change with the new model.

    Returns:
        `matrix`: old number → new number → people; `share`: of people who would change cluster;
        `share_with_minimum_gain`: of people who would, and whose weight grows by more than
        `minimum_gain` (a retired cluster's weight is 0).
    """
    before = previous.predict_many(reindex(ticks, interests, previous.interests))
    weights = ActiveSets(components).weights_many(ticks)
    numbers = np.array(cluster_ids)
    after = numbers[leader(weights)]
    old_weights = np.where(numbers == before[:, None], weights, 0.0).max(axis=1)
    has_gain = weights.max(axis=1) > (1 + MIN_GAIN) * old_weights
    is_moved = before != after
    return {
        "previous": previous.id,
        "matrix": {
            str(old): {
                str(new): int(((before == old) & (after == new)).sum())
                for new in sorted(numbers.tolist())
            }
            for old in sorted(previous.cluster_ids)
        },
        "share": round(float(is_moved.mean()), 6),
        "minimum_gain": MIN_GAIN,
        "share_with_minimum_gain": round(float((is_moved & has_gain).mean()), 6),
    }
