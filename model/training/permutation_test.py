"""Whether interests go together at all, more than chance and zeal would have it."""

import numpy as np

from model.nnls import Array

SHUFFLES = 20
# Standard deviations above chance from which on structure is clear.
CLEAR = 4.0
SEED = 42


def structure(ticks: Array) -> float:
    """How far the ticks (n, m) of 0/1 are from chance, in its standard deviations.

    Measured is the sum of the squared correlations of any two interests. Chance is what it is on
    ticks shuffled so that everybody ticks as many and every interest is ticked as often: that some
    people tick more than others correlates all interests, and is no structure.
    """
    rng = np.random.default_rng(SEED)
    varied = ticks[:, ticks.std(axis=0) > 0]
    if varied.shape[1] < 2:
        return 0.0
    by_chance = [_together(traded(varied, rng)) for _ in range(SHUFFLES)]
    excess = _together(varied) - np.mean(by_chance)
    return float(excess / max(float(np.std(by_chance, ddof=1)), 1e-9))


def traded(ticks: Array, rng: np.random.Generator) -> Array:
    """The ticks shuffled, row and column sums kept: two people at a time trade what only one has.

    Strona, Nappo, Boccacci, Fattorini & San-Miguel-Ayanz, A fast and unbiased procedure to
    randomize ecological binary matrices with fixed row and column totals (Nature Communications
    5, 2014).
    """
    likes = [set(np.flatnonzero(row).tolist()) for row in ticks]
    n = len(likes)
    for first, second in rng.integers(n, size=(5 * n, 2)).tolist():
        if first == second:
            continue
        a, b = likes[first], likes[second]
        only_a = a - b
        pool = sorted(a ^ b)
        if not only_a or len(pool) == len(only_a):
            continue
        gets = set(rng.permutation(pool)[: len(only_a)].tolist())
        both = a & b
        likes[first], likes[second] = both | gets, both | (set(pool) - gets)
    shuffled = np.zeros_like(ticks)
    for row, liked in enumerate(likes):
        shuffled[row, sorted(liked)] = 1.0
    return shuffled


def _together(ticks: Array) -> float:
    correlations = np.corrcoef(ticks, rowvar=False)
    return float((np.triu(correlations, 1) ** 2).sum())
