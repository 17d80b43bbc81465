"""The exact weights: equal to scipy's NNLS, and meeting the conditions of a solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

import model.nnls as nnls_module
from model.nnls import MAX_COMPONENTS, ActiveSets
from tests.support.planted import random_profiles


def scipy_weights(components, profiles):
    return np.array([nnls(components.T, profile)[0] for profile in profiles])


def errors(components, profiles, weights):
    return np.linalg.norm(profiles - weights @ components, axis=1)


def test_the_published_components_give_scipys_weights_on_20000_random_profiles(model):
    profiles = random_profiles(20_000, len(model.interests))
    expected = scipy_weights(model.matrix, profiles)
    assert abs(model.weights_many(profiles) - expected).max() < 1e-12


@pytest.mark.parametrize("k", range(1, 9))
@pytest.mark.parametrize("density", [0.3, 1.0])
def test_random_components_give_scipys_weights(k, density):
    rng = np.random.default_rng(k)
    components = rng.random((k, 26)) * (rng.random((k, 26)) < density)
    profiles = random_profiles(1_000, 26, seed=k)
    expected = scipy_weights(components, profiles)
    assert abs(ActiveSets(components).weights_many(profiles) - expected).max() < 1e-12


def test_the_largest_model_gives_scipys_weights():
    components = np.random.default_rng(0).random((MAX_COMPONENTS, 40))
    profiles = random_profiles(300, 40)
    expected = scipy_weights(components, profiles)
    assert abs(ActiveSets(components).weights_many(profiles) - expected).max() < 1e-12


@pytest.mark.parametrize("k", range(2, 9))
def test_components_of_very_different_scales_give_scipys_weights(k):
    rng = np.random.default_rng(k)
    scales = 10.0 ** rng.integers(-6, 7, k)
    components = rng.random((k, 26)) * scales[:, None]
    profiles = random_profiles(500, 26)
    difference = ActiveSets(components).weights_many(profiles) - scipy_weights(components, profiles)
    assert abs(difference * scales).max() < 1e-12


@pytest.mark.parametrize("k", range(2, 9))
def test_interests_in_no_component_change_no_weight(k):
    components = np.random.default_rng(k).random((k, 26))
    components[:, ::3] = 0.0
    profiles = random_profiles(500, 26)
    without = np.where(components.any(axis=0), profiles, 0.0)
    sets = ActiveSets(components)
    assert np.array_equal(sets.weights_many(profiles), sets.weights_many(without))
    assert abs(sets.weights_many(profiles) - scipy_weights(components, profiles)).max() < 1e-12


@pytest.mark.parametrize("k", range(2, 9))
def test_a_repeated_component_does_not_change_the_smallest_error(k):
    rng = np.random.default_rng(k)
    components = rng.random((k, 26)) * (rng.random((k, 26)) < 0.5)
    components[-1] = components[0] * 3
    profiles = random_profiles(500, 26)
    sets = ActiveSets(components)
    weights = sets.weights_many(profiles)
    assert not sets.unique
    assert (weights >= 0).all()
    smallest = errors(components, profiles, scipy_weights(components, profiles))
    assert abs(errors(components, profiles, weights) - smallest).max() < 1e-12


def test_of_two_equal_components_only_the_first_has_weight():
    row = [1.0, 0.5, 0.0]
    weights = ActiveSets([row, [0.0, 0.0, 1.0], row]).weights_many(random_profiles(100, 3))
    assert weights[:, 0].any()
    assert not weights[:, 2].any()


def test_a_component_of_zeros_never_has_weight():
    weights = ActiveSets([[0.0, 0.0], [1.0, 2.0]]).weights_many(random_profiles(100, 2))
    assert weights[:, 1].any()
    assert not weights[:, 0].any()


@settings(deadline=None)
@given(
    components=arrays(int, st.tuples(st.integers(1, 6), st.just(7)), elements=st.integers(0, 4)),
    profile=arrays(bool, 7),
)
def test_every_solution_meets_the_karush_kuhn_tucker_conditions(components, profile):
    if not components.any():
        return
    (weights,) = ActiveSets(components).weights_many(profile[None])
    growth = components @ (weights @ components - profile)
    assert (weights >= 0).all()
    assert (growth > -1e-9).all()
    assert abs(growth * weights).max() < 1e-9


@settings(deadline=None)
@given(components=arrays(float, (4, 7), elements=st.floats(0, 5)), profile=arrays(bool, 7))
def test_a_solution_map_gives_the_weights_of_its_profile(components, profile):
    if components.max() < 1e-100:
        return
    sets = ActiveSets(components)
    (weights,) = sets.weights_many(profile[None])
    mapped = sets.solution(profile.astype(float)) @ profile
    assert np.allclose(mapped, weights, rtol=1e-6, atol=1e-6 * max(1.0, weights.max()))


def test_profiles_in_small_chunks_give_the_same_weights(model, monkeypatch):
    profiles = random_profiles(500, len(model.interests))
    at_once = model.weights_many(profiles)
    monkeypatch.setattr(nnls_module, "CHUNK_SIZE", 200)
    assert abs(model.weights_many(profiles) - at_once).max() < 1e-14


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32])
def test_profiles_may_be_of_any_numeric_type(model, kind):
    profiles = random_profiles(50, len(model.interests))
    assert np.array_equal(model.weights_many(profiles.astype(kind)), model.weights_many(profiles))


def test_no_profiles_give_no_weights(model):
    assert model.weights_many(np.zeros((0, len(model.interests)))).shape == (0, 4)


@pytest.mark.parametrize(
    "components",
    [
        np.ones((MAX_COMPONENTS + 1, 3)),
        np.ones((0, 3)),
        np.ones(3),
        np.zeros((2, 3)),
        [[1.0, -1.0]],
        [[1.0, np.nan]],
        [[1.0, np.inf]],
        [[1e200, 1e200]],
        [[5e-324, 5e-324]],
    ],
)
def test_components_that_are_not_nmf_factors_are_rejected(components):
    with pytest.raises(ValueError, match="components must be"):
        ActiveSets(components)
