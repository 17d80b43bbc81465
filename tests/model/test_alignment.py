"""Alignment: cluster numbers keep their meaning when a model is trained again."""

from datetime import UTC, datetime

import numpy as np
import pytest

from model.training.alignment import align, count_moves
from model.training.profiles import Profiles
from model.training.train import train_new
from tests.support.planted import planted

AT = datetime(2024, 1, 1, tzinfo=UTC)
BLOCKS = np.kron(np.eye(4), [1.0, 0.9, 0.8])


@pytest.fixture
def before(model_of):
    """Four components of three interests each, i0 to i11."""
    return model_of(BLOCKS, [1, 2, 3, 7])


def test_components_in_another_order_over_a_permuted_vocabulary_keep_their_numbers(before):
    columns = np.random.default_rng(0).permutation(12)
    interests = [before.interests[j] for j in columns]
    aligned = align(BLOCKS[[2, 0, 3, 1]][:, columns], interests, before)
    assert aligned.cluster_ids == (3, 1, 7, 2)
    assert aligned.retired == ()


def test_an_interest_added_and_one_dropped_change_no_number(before):
    added = np.hstack([BLOCKS[:, 1:], [[0.0], [0.7], [0.0], [0.0]]])
    aligned = align(added, [*before.interests[1:], "kayak"], before)
    assert aligned.cluster_ids == (1, 2, 3, 7)


def test_the_more_similar_half_of_a_split_component_keeps_its_number(before):
    halves = np.zeros((2, 12))
    halves[0, :2], halves[1, 2] = 1.0, 1.0
    aligned = align(np.vstack([halves, BLOCKS[1:]]), before.interests, before)
    assert aligned.cluster_ids == (1, 8, 2, 3, 7)


def test_a_number_without_a_new_component_is_retired_and_never_used_again(before, model_of):
    aligned = align(BLOCKS[:3], before.interests, before)
    assert aligned.retired == (7,)
    after = model_of(BLOCKS[:3], aligned.cluster_ids)
    object.__setattr__(after, "retired", aligned.retired)
    again = align(BLOCKS, before.interests, after)
    assert again.cluster_ids == (1, 2, 3, 8)
    assert again.retired == (7,)


def test_a_component_similar_to_none_gets_a_new_number(before):
    foreign = np.hstack([np.zeros((1, 12)), [[1.0, 1.0]]])
    aligned = align(foreign, [*before.interests, "kayak", "chess"], before)
    assert aligned.cluster_ids == (8,)
    assert aligned.retired == (1, 2, 3, 7)


def test_a_model_retrained_on_shuffled_columns_leaves_people_in_their_clusters(model_of):
    ticks, _ = planted(4, 0, people=300)
    first = train_new(Profiles(tuple(f"i{j}" for j in range(26)), ticks), 4, AT)
    before = model_of(first.components, first.cluster_ids)
    columns = np.random.default_rng(1).permutation(26)
    profiles = Profiles(tuple(before.interests[j] for j in columns), ticks[:, columns])
    again = train_new(profiles, 4, AT, before)
    assert again.card["moves"]["share"] < 0.01
    assert again.cluster_ids == (1, 2, 3, 4)


def test_moves_are_counted_with_and_without_the_minimum_gain(before):
    ticks = np.zeros((3, 12))
    ticks[0, 0] = ticks[1, 3] = 1.0
    ticks[2, [0, 3, 4]] = 1.0
    swapped = BLOCKS[[1, 0, 2, 3]]
    moves = count_moves(ticks, before.interests, swapped, before.cluster_ids, before)
    assert moves["matrix"]["1"]["2"] == 1
    assert moves["matrix"]["2"]["1"] == 2
    assert moves["share"] == moves["share_with_minimum_gain"] == 1.0


def test_a_hardly_better_cluster_is_no_move_with_the_minimum_gain(model_of):
    before = model_of([[1.0, 0.0], [0.0, 0.9]])
    slightly = np.array([[0.9, 0.0], [0.0, 0.8]])
    moves = count_moves(np.array([[1.0, 1.0]]), before.interests, slightly[:, ::-1], (2, 1), before)
    assert moves["share"] == 1.0
    assert moves["share_with_minimum_gain"] == 0.0
