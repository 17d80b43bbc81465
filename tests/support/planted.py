"""Random profiles, with and without known clusters."""

import numpy as np


def planted(k, seed, people=1_000, interests=26, inside=0.6, noise=0.1):
    """Return ticks (people, interests) with k planted groups, and the group of each person.

    Every interest belongs to one group and every person to one, of unequal sizes (up to 2 to 1).
    People select each interest of their group with the probability `inside`, and any other with
    `noise`. Empty profiles are dropped.
    """
    rng = np.random.default_rng((k, seed))
    groups = np.arange(interests) % k
    sizes = rng.uniform(1, 2, k)
    members = rng.choice(k, people, p=sizes / sizes.sum())
    probabilities = np.where(groups == members[:, None], inside, noise)
    ticks = (rng.random((people, interests)) < probabilities).astype(float)
    filled = ticks.any(axis=1)
    return ticks[filled], members[filled]


def without_structure(seed, people=1_000, interests=26):
    """Return ticks of independent interests of unequal popularity."""
    rng = np.random.default_rng(seed)
    ticks = (rng.random((people, interests)) < rng.uniform(0.05, 0.8, interests)).astype(float)
    return ticks[ticks.any(axis=1)]


def random_profiles(count, interests, seed=0):
    """Return profiles (count, interests) of 0/1, from nearly empty to nearly full."""
    rng = np.random.default_rng(seed)
    return (rng.random((count, interests)) < rng.random((count, 1))).astype(float)
