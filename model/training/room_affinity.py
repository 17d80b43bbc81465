"""What rooms are for, people who like the same things, and components that are made for it.

The affinity of two people is the Jaccard similarity of what they ticked: the interests both
ticked over those either did. The lift of some rooms is the mean affinity of two people who share
one, over that of any two people: 1 is what chance gives.

NMF looks for components that add up to the profiles, and rooms are only read off it. `sharpen`
starts from NMF's components and climbs the lift of the rooms that the serving rule makes of them,
on the people it is given. The weights are a differentiable function of the components wherever
the active set stays as it is; that a dictionary can be fitted so to what its codes are used for
is Mairal, Bach & Ponce, Task-Driven Dictionary Learning (IEEE TPAMI 34, 2012).
"""

import numpy as np
from numpy.typing import NDArray

from model.nnls import Array, leader

STEPS = 20
# Length of a step: of each number of a component, whose numbers are about 0.2.
STEP = 0.015
MOMENTUM = 0.9
# How far a component may go from where NMF put it (both at unit length).
REACH = 0.25
# How sharply the largest weight wins while climbing; the rule itself has no slope.
SHARPNESS = 8.0
# Numbers are cut here after each step, so that what BLAS kernels do beyond it cannot grow.
DECIMALS = 10
# A pair's affinity is needed for every two people: 32 MB at 2,000.
MOST_PEOPLE = 2_000


def jaccard(ticks: Array) -> Array:
    """The affinity of every two people, (n, n), from ticks (n, m) of 0/1; 0 where neither ticked.

    Jaccard, The distribution of the flora in the alpine zone (New Phytologist 11, 1912).
    """
    both = ticks @ ticks.T
    counts = ticks.sum(axis=1)
    either = counts[:, None] + counts - both
    affinity: Array = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return affinity


def lift(affinity: Array, rooms: NDArray[np.integer]) -> float:
    """Mean affinity of two people who share a room over that of any two; 1.0 where nobody shares.

    Args:
        affinity: (n, n), as `jaccard` gives it.
        rooms: (n,), each person's room.
    """
    together = rooms[:, None] == rooms
    np.fill_diagonal(together, False)
    everyone = len(rooms) * (len(rooms) - 1)
    overall = (affinity.sum() - affinity.trace()) / max(everyone, 1)
    if not together.any() or overall == 0:
        return 1.0
    return float(affinity[together].mean() / overall)


def unit(rows: Array) -> Array:
    """The rows at unit L2 norm; rows of zeros stay as they are."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled


def sharpen(ticks: Array, components: Array) -> Array:
    """Components (k, m) moved to where the lift of the rooms they make is larger.

    Gradient ascent with momentum on the smooth lift: a room shared with the probability that the
    weights' softmax gives. No component goes further than `REACH` from where it was, so that it
    still says what NMF found. Of all the steps' components those are kept whose rooms, by the
    rule, have the largest lift. Deterministic.

    Args:
        ticks: (n, m) of 0/1, nobody empty; of more than 2,000 people every so-many-th is looked at.
        components: non-negative, no row of zeros.

    Returns:
        (k, m), non-negative, rows at unit L2 norm.
    """
    people = ticks[:: -(-len(ticks) // MOST_PEOPLE)]
    affinity = jaccard(people)
    np.fill_diagonal(affinity, 0.0)
    affinity /= max(affinity.sum() / max(len(people) * (len(people) - 1), 1), 1e-12)
    start = current = np.round(unit(components), DECIMALS)
    weights = np.full((len(people), len(components)), 0.1)
    weights = _descended(people, current, weights, sweeps=60)
    best, highest, momentum = current, -np.inf, np.zeros_like(current)
    for _ in range(STEPS):
        weights = _descended(people, current, weights, sweeps=6)
        height = lift(affinity, leader(weights))
        if height > highest + 1e-9:
            best, highest = current, height
        slope = lift_gradient(people, affinity, current, weights)
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * slope
        size = np.sqrt((momentum**2).mean())
        if size == 0:
            break
        moved = (current + STEP * momentum / size).clip(min=0)
        emptied = ~moved.any(axis=1, keepdims=True)
        away = np.where(emptied, current, moved) - start
        far = np.linalg.norm(away, axis=1, keepdims=True)
        near = start + away * np.minimum(1.0, REACH / np.maximum(far, 1e-12))
        current = np.round(unit(near), DECIMALS)
    return unit(best)


def _descended(profiles: Array, components: Array, weights: Array, sweeps: int) -> Array:
    """The weights, nearer the exact ones: coordinate descent from those given.

    Near enough for a slope, and many times faster than solving every active set anew each step.
    """
    weights = weights.copy()
    squares, projections = components @ components.T, profiles @ components.T
    for _ in range(sweeps):
        for c in range(len(components)):
            growth = projections[:, c] - weights @ squares[:, c]
            weights[:, c] = (weights[:, c] + growth / squares[c, c]).clip(min=0)
    return weights


def lift_gradient(profiles: Array, affinity: Array, components: Array, weights: Array) -> Array:
    """How the smooth lift grows with each number of the components."""
    heights = SHARPNESS / np.linalg.norm(profiles, axis=1, keepdims=True)
    odds = np.exp(heights * (weights - weights.max(axis=1, keepdims=True)))
    shared = odds / odds.sum(axis=1, keepdims=True)
    gathered, sizes = affinity @ shared, shared.sum(axis=0)
    pairs = max((sizes**2).sum() - (shared**2).sum(), 1e-12)
    smooth = (shared * gathered).sum() / pairs
    by_share = 2 * (gathered - smooth * (sizes - shared)) / pairs
    inner = (shared * by_share).sum(axis=1, keepdims=True)
    by_weight = heights * shared * (by_share - inner)
    return _through_weights(profiles, components, weights, by_weight)


def _through_weights(profiles: Array, components: Array, weights: Array, by_weight: Array) -> Array:
    """The slope in the components of what has the slope `by_weight`, (n, k), in the weights.

    On an active set the weights solve (H H') w = H x, so with u solving (H H') u = by_weight the
    slope is u (x - H'w)' - w (H'u)' (the paper's equation 10 without its penalty).
    """
    k = len(components)
    active = weights > 1e-9
    codes, people = np.unique(active @ (1 << np.arange(k)), return_inverse=True)
    sets = (codes[:, None] >> np.arange(k)) & 1 == 1
    squares = components @ components.T
    inside = sets[:, :, None] & sets[:, None, :]
    outside = np.where(sets, 0.0, 1.0)[:, :, None] * np.eye(k)
    inverse = np.linalg.inv(np.where(inside, squares, 0.0) + outside + 1e-9 * np.eye(k))
    along = np.einsum("nij,nj->ni", inverse[people], by_weight * active)
    rest = profiles - weights @ components
    slope: Array = along.T @ rest - weights.T @ (along @ components)
    return slope
