"""Tests whether interests are correlated more than by chance."""

import numpy as np

from model.nnls import Array

SHUFFLES = 20
# Standard deviations above chance from which structure is clear.
MIN_DEVIATIONS = 4.0
SEED = 42


def structure(ticks: Array) -> float:
    """Return how far ticks (n, m) of 0/1 are above chance, in standard deviations of chance.

    The statistic is the sum of the squared correlations of all pairs of interests. Chance is its
    value on ticks shuffled with their row and column sums: that some people select more than others
    correlates all interests, and is not structure.
    """
    rng = np.random.default_rng(SEED)
    varied = ticks[:, ticks.std(axis=0) > 0]
    if varied.shape[1] < 2:
        return 0.0
    by_chance = [_sum_squared_correlations(shuffle(varied, rng)) for _ in range(SHUFFLES)]
    excess = _sum_squared_correlations(varied) - np.mean(by_chance)
    return float(excess / max(float(np.std(by_chance, ddof=1)), 1e-9))


def shuffle(ticks: Array, rng: np.random.Generator) -> Array:
    """Return the ticks shuffled with the same row and column sums.

    Pairs of people trade interests that only one of them has: Strona, Nappo, Boccacci, Fattorini &
    San-Miguel-Ayanz, A fast and unbiased procedure to randomize ecological binary matrices with
    fixed row and column totals (Nature Communications 5, 2014).
    """
    interests = [set(np.flatnonzero(row).tolist()) for row in ticks]
    n = len(interests)
    for first, second in rng.integers(n, size=(5 * n, 2)).tolist():
        if first == second:
            continue
        a, b = interests[first], interests[second]
        only_a = a - b
        pool = sorted(a ^ b)
        if not only_a or len(pool) == len(only_a):
            continue
        new_a = set(rng.permutation(pool)[: len(only_a)].tolist())
        both = a & b
        interests[first], interests[second] = both | new_a, both | (set(pool) - new_a)
    shuffled = np.zeros_like(ticks)
    for row, columns in enumerate(interests):
        shuffled[row, sorted(columns)] = 1.0
    return shuffled


def _sum_squared_correlations(ticks: Array) -> float:
    correlations = np.corrcoef(ticks, rowvar=False)
    return float((np.triu(correlations, 1) ** 2).sum())
