"""Data whose clusters are known: each person likes one group of interests, and some others."""

import numpy as np


def planted(k, seed, people=1_000, interests=26, inside=0.6, noise=0.1):
    """Ticks (people, interests) and the group of each person.

    Every interest belongs to one of k groups, every person to one, groups of unequal popularity
    (2 to 1). Who is in a group ticks each of its interests with the probability `inside`, and any
    other with `noise`.
    """
    rng = np.random.default_rng((k, seed))
    groups = np.arange(interests) % k
    sizes = rng.uniform(1, 2, k)
    members = rng.choice(k, people, p=sizes / sizes.sum())
    odds = np.where(groups == members[:, None], inside, noise)
    ticks = (rng.random((people, interests)) < odds).astype(float)
    filled = ticks.any(axis=1)
    return ticks[filled], members[filled]


def without_structure(seed, people=1_000, interests=26):
    """Ticks that go together by chance alone, interests of unequal popularity."""
    rng = np.random.default_rng(seed)
    ticks = (rng.random((people, interests)) < rng.uniform(0.05, 0.8, interests)).astype(float)
    return ticks[ticks.any(axis=1)]
