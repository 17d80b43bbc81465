"""Gives a new model's components the numbers of those they continue.

NMF numbers its components as they come. Here each takes the number of the component before that
it resembles: the assignment of largest total cosine (Kuhn, The Hungarian method, 1955) over the
union of both vocabularies. What resembles none gets a number that was never used, and a number
that nothing continues is retired for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.nnls import ActiveSets, Array, leader
from model.predict import Model
from model.training.room_affinity import unit

# Below this cosine a component is another one: less than a half of their squared weight is shared,
# with any scaling. On the survey, over 60 refits on 80 % of its people, a cluster's own component
# came back with 0.66 at the least (median 0.97); two clusters of one model had 0.42 at the most.
SAME = 0.5
# Who moves with a minimum gain: those whose new weight beats their old cluster's by this share.
MINIMUM_GAIN = 0.25


@dataclass(frozen=True, slots=True)
class Alignment:
    """The numbers of a new model's components.

    Attributes:
        cluster_ids: (k) number of each component, as the components stand.
        retired: every number that is not to be used again, ascending.
        cosines: (old, new), of the old components and the new ones.
    """

    cluster_ids: tuple[int, ...]
    retired: tuple[int, ...]
    cosines: Array


def align(components: Array, interests: Sequence[str], previous: Model) -> Alignment:
    """The numbers of `components` (k, m), whose columns are `interests`, after `previous`."""
    from scipy.optimize import linear_sum_assignment

    found = cosines(previous.matrix, previous.interests, components, interests)
    numbers: dict[int, int] = {
        int(j): previous.cluster_ids[i]
        for i, j in zip(*linear_sum_assignment(-found), strict=True)
        if found[i, j] >= SAME
    }
    following = max((*previous.cluster_ids, *previous.retired)) + 1
    for j in range(len(components)):
        if j not in numbers:
            numbers[j] = following
            following += 1
    gone = set(previous.cluster_ids) - set(numbers.values())
    return Alignment(
        tuple(numbers[j] for j in range(len(components))),
        tuple(sorted(gone.union(previous.retired))),
        found,
    )


def cosines(
    old: Array, old_interests: Sequence[str], new: Array, new_interests: Sequence[str]
) -> Array:
    """Of old components (o, m) and new ones (n, l), (o, n), over the union of both vocabularies."""
    union = list(dict.fromkeys((*old_interests, *new_interests)))
    found: Array = (
        unit(spread(old, old_interests, union)) @ unit(spread(new, new_interests, union)).T
    )
    return found


def spread(rows: Array, columns: Sequence[str], onto: Sequence[str]) -> Array:
    """Rows over `columns` as rows over `onto`; 0 in columns that they do not have."""
    position = {name: j for j, name in enumerate(columns)}
    shared = [(j, position[name]) for j, name in enumerate(onto) if name in position]
    wide = np.zeros((len(rows), len(onto)))
    if shared:
        to, source = map(list, zip(*shared, strict=True))
        wide[:, to] = rows[:, source]
    return wide


def moves(
    ticks: Array,
    interests: Sequence[str],
    components: Array,
    cluster_ids: Sequence[int],
    previous: Model,
) -> dict[str, Any]:
    """Who of the people (n, m) would change cluster, were they all placed by the new model.

    Returns:
        `matrix`: old number → new number → people; `share`, of all people, and
        `share_with_minimum_gain`, of those whose weight grows by more than a quarter (a retired
        cluster's weight is 0); `minimum_gain`.
    """
    before = previous.predict_many(spread(ticks, interests, previous.interests))
    weights = ActiveSets(components).weights_many(ticks)
    numbers = np.array(cluster_ids)
    after = numbers[leader(weights)]
    of_old = np.where(numbers == before[:, None], weights, 0.0).max(axis=1)
    gains = weights.max(axis=1) > (1 + MINIMUM_GAIN) * of_old
    changed = before != after
    return {
        "previous": previous.id,
        "matrix": {
            str(old): {
                str(new): int(((before == old) & (after == new)).sum())
                for new in sorted(numbers.tolist())
            }
            for old in sorted(previous.cluster_ids)
        },
        "share": round(float(changed.mean()), 6),
        "minimum_gain": MINIMUM_GAIN,
        "share_with_minimum_gain": round(float((changed & gains).mean()), 6),
    }
