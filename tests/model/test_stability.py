"""The choice of the number of clusters: the planted one, and none without structure.

PLANTED_ROUNDS: number of planted data sets for each number of clusters. `PLANTED_ROUNDS=10` is the
long form, over every number from 2 to 12.
"""

import os

import numpy as np
import pytest

from model.training.permutation_test import shuffle, structure
from model.training.stability import bi_cross_validation, choose
from tests.support.planted import planted, without_structure

ROUNDS = int(os.environ.get("PLANTED_ROUNDS", "0"))


@pytest.mark.parametrize("k", [4])
def test_the_planted_number_of_clusters_is_found(k):
    ticks, _ = planted(k, 0, people=400)
    choice = choose(ticks, range(k - 1, k + 2))
    assert choice.k == k
    assert f"{k} clusters" in choice.why


@pytest.mark.skipif(not ROUNDS, reason="the long form: PLANTED_ROUNDS=10")
def test_the_planted_number_is_found_nine_times_in_ten():
    found = [
        choose(planted(k, seed)[0], workers=-1).k == k
        for k in range(3, 9)
        for seed in range(ROUNDS)
    ]
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("seed", range(2))
def test_data_without_structure_have_no_number_of_clusters(seed):
    choice = choose(without_structure(seed, people=200))
    assert choice.k is None
    assert choice.why.startswith("no structure")


def test_different_numbers_of_interests_a_person_are_no_structure():
    rng = np.random.default_rng(0)
    activity, popularity = rng.normal(0, 1, (400, 1)), rng.normal(-1, 1, 26)
    ticks = (rng.random((400, 26)) < 1 / (1 + np.exp(-activity - popularity))).astype(float)
    assert structure(ticks[ticks.any(axis=1)]) < 4


def test_shuffled_ticks_have_the_same_row_and_column_sums():
    ticks, _ = planted(3, 0, people=100)
    shuffled = shuffle(ticks, np.random.default_rng(0))
    assert np.array_equal(shuffled.sum(axis=0), ticks.sum(axis=0))
    assert np.array_equal(shuffled.sum(axis=1), ticks.sum(axis=1))
    assert not np.array_equal(shuffled, ticks)


def test_bi_cross_validation_has_a_smaller_error_at_the_planted_number():
    ticks, _ = planted(4, 0, people=400)
    errors = [bi_cross_validation(ticks, k) for k in (2, 4)]
    assert errors[1] < errors[0]
