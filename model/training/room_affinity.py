"""Affinity of people, lift of rooms, and components that are fitted to the lift.

The affinity of two people is the Jaccard similarity of their interests: the number that both
selected over the number that either did. The lift of some rooms is the mean affinity of two people
in the same room over that of any two people: 1 is chance.

NMF minimises the error of profiles, not the quality of rooms. `sharpen` starts from NMF's
components and increases the lift of the rooms that the serving rule makes of them, on the training
data, by gradient ascent. The weights are a differentiable function of the components while the
active set does not change. Fitting a dictionary to the purpose of its codes is after Mairal, Bach &
Ponce, Task-Driven Dictionary Learning (IEEE TPAMI 34, 2012).
"""

import numpy as np
from numpy.typing import NDArray

from model.nnls import Array, leader

STEPS = 20
# Root mean square change of a component's numbers, which are about 0.2, in one step.
STEP_SIZE = 0.015
MOMENTUM = 0.9
# Maximum distance of a component from NMF's, both at unit length.
MAX_DISTANCE = 0.25
# Factor of the softmax that replaces the serving rule, which has no gradient.
SHARPNESS = 8.0
# Components are rounded after each step, so that differences between BLAS kernels cannot grow.
DECIMALS = 10
# The affinities of all pairs: 32 MB for 2,000 people.
MAX_PEOPLE = 2_000


def jaccard(ticks: Array) -> Array:
    """Return the affinities (n, n) of ticks (n, m) of 0/1; 0 for two empty profiles.

    Jaccard, The distribution of the flora in the alpine zone (New Phytologist 11, 1912).
    """
    both = ticks @ ticks.T
    counts = ticks.sum(axis=1)
    either = counts[:, None] + counts - both
    affinity: Array = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return affinity


def lift(affinity: Array, rooms: NDArray[np.integer]) -> float:
    """Return the lift of some rooms; 1.0 if no two people share a room.

    Args:
        affinity: (n, n), from `jaccard`.
        rooms: (n,), each person's room.
    """
    is_shared = rooms[:, None] == rooms
    np.fill_diagonal(is_shared, False)
    pairs = len(rooms) * (len(rooms) - 1)
    overall = (affinity.sum() - affinity.trace()) / max(pairs, 1)
    if not is_shared.any() or overall == 0:
        return 1.0
    return float(affinity[is_shared].mean() / overall)


def normalize(rows: Array) -> Array:
    """Return the rows at unit L2 norm; rows of zeros are unchanged."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled


def thin(rows: Array, max_rows: int) -> Array:
    """Return every n-th row, at most `max_rows`."""
    return rows[:: -(-len(rows) // max_rows)]


def sharpen(ticks: Array, components: Array) -> Array:
    """Return components (k, m) near the given ones whose rooms have a larger lift.

    Gradient ascent with momentum on the smooth lift, in which the softmax of the weights is the
    probability of each room. No component moves further than `MAX_DISTANCE`, so that it keeps its
    meaning. The result is the step whose rooms, by the serving rule, have the largest lift.
    Deterministic.

    Args:
        ticks: (n, m) of 0/1, no empty row; at most 2,000 evenly spaced rows are used.
        components: non-negative, no row of zeros.

    Returns:
        (k, m), non-negative, rows at unit L2 norm.
    """
    people = thin(ticks, MAX_PEOPLE)
    affinity = jaccard(people)
    np.fill_diagonal(affinity, 0.0)
    affinity /= max(affinity.sum() / max(len(people) * (len(people) - 1), 1), 1e-12)
    start = current = np.round(normalize(components), DECIMALS)
    weights = np.full((len(people), len(components)), 0.1)
    weights = _approximate_weights(people, current, weights, sweeps=60)
    best, best_lift, momentum = current, -np.inf, np.zeros_like(current)
    for _ in range(STEPS):
        weights = _approximate_weights(people, current, weights, sweeps=6)
        current_lift = lift(affinity, leader(weights))
        if current_lift > best_lift + 1e-9:
            best, best_lift = current, current_lift
        gradient = lift_gradient(people, affinity, current, weights)
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        size = np.sqrt((momentum**2).mean())
        if size == 0:
            break
        moved = (current + STEP_SIZE * momentum / size).clip(min=0)
        is_zero = ~moved.any(axis=1, keepdims=True)
        offset = np.where(is_zero, current, moved) - start
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        limited = start + offset * np.minimum(1.0, MAX_DISTANCE / np.maximum(distance, 1e-12))
        current = np.round(normalize(limited), DECIMALS)
    return normalize(best)


def _approximate_weights(profiles: Array, components: Array, weights: Array, sweeps: int) -> Array:
    """Return weights nearer to the exact ones, by coordinate descent from the given weights.

    Accurate enough for a gradient, and many times faster than solving every active set each step.
    """
    weights = weights.copy()
    squares, projections = components @ components.T, profiles @ components.T
    for _ in range(sweeps):
        for c in range(len(components)):
            change = projections[:, c] - weights @ squares[:, c]
            weights[:, c] = (weights[:, c] + change / squares[c, c]).clip(min=0)
    return weights


def lift_gradient(profiles: Array, affinity: Array, components: Array, weights: Array) -> Array:
    """Return the gradient (k, m) of the smooth lift with respect to the components."""
    factors = SHARPNESS / np.linalg.norm(profiles, axis=1, keepdims=True)
    odds = np.exp(factors * (weights - weights.max(axis=1, keepdims=True)))
    shares = odds / odds.sum(axis=1, keepdims=True)
    gathered, sizes = affinity @ shares, shares.sum(axis=0)
    pairs = max((sizes**2).sum() - (shares**2).sum(), 1e-12)
    smooth_lift = (shares * gathered).sum() / pairs
    by_share = 2 * (gathered - smooth_lift * (sizes - shares)) / pairs
    inner = (shares * by_share).sum(axis=1, keepdims=True)
    by_weight = factors * shares * (by_share - inner)
    return _backpropagate(profiles, components, weights, by_weight)


def _backpropagate(profiles: Array, components: Array, weights: Array, by_weight: Array) -> Array:
    """Return the gradient (k, m) in the components, from the gradient (n, k) in the weights.

    On an active set the weights solve (H H') w = H x. With u the solution of (H H') u = by_weight
    the gradient is u (x - H'w)' - w (H'u)' (the paper's equation 10 without its penalty).
    """
    k = len(components)
    is_active = weights > 1e-9
    codes, people = np.unique(is_active @ (1 << np.arange(k)), return_inverse=True)
    sets = (codes[:, None] >> np.arange(k)) & 1 == 1
    squares = components @ components.T
    inside = sets[:, :, None] & sets[:, None, :]
    outside = np.where(sets, 0.0, 1.0)[:, :, None] * np.eye(k)
    inverse = np.linalg.inv(np.where(inside, squares, 0.0) + outside + 1e-9 * np.eye(k))
    u = np.einsum("nij,nj->ni", inverse[people], by_weight * is_active)
    residuals = profiles - weights @ components
    gradient: Array = u.T @ residuals - weights.T @ (u @ components)
    return gradient
