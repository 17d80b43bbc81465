"""The model in service: its answers, its explanations, and what it costs to have."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def random_profiles(number, interests, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((number, interests)) < rng.random((number, 1))


def ticked_of(request):
    return [interest for interest, on in request["interests"].items() if on]


def test_every_recorded_answer_of_the_published_api_is_given_again(model, recorded):
    answers = [model.predict(ticked_of(call["request"])) for call in recorded]
    assert answers == [call["response"]["cluster"] for call in recorded]
    assert len(recorded) == 300


def test_the_recorded_answers_are_given_in_bulk_too(model, recorded):
    asked = [call["request"]["interests"] for call in recorded]
    profiles = [[interests[name] for name in model.interests] for interests in asked]
    assert model.predict_many(profiles).tolist() == [
        call["response"]["cluster"] for call in recorded
    ]


def test_bulk_answers_are_the_single_ones(model, ticked_in):
    profiles = random_profiles(5_000, len(model.interests))
    singly = [model.predict(ticked_in(model, row)) for row in profiles]
    assert model.predict_many(profiles).tolist() == singly


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 8, 12])
def test_bulk_answers_are_the_single_ones_with_any_number_of_clusters(k, model_of, ticked_in):
    rng = np.random.default_rng(k)
    random_model = model_of(rng.random((k, 26)) * (rng.random((k, 26)) < 0.5))
    profiles = random_profiles(500, 26, seed=k)
    singly = [random_model.predict(ticked_in(random_model, row)) for row in profiles]
    assert random_model.predict_many(profiles).tolist() == singly


@settings(max_examples=300, deadline=None)
@given(
    components=arrays(int, st.tuples(st.integers(1, 5), st.just(6)), elements=st.integers(0, 3)),
    profiles=arrays(bool, (20, 6)),
)
def test_bulk_answers_are_the_single_ones_where_clusters_tie_or_repeat(
    components, profiles, model_of, ticked_in
):
    if not components.any():
        return
    tied = model_of(components)
    singly = [tied.predict(ticked_in(tied, row)) for row in profiles]
    assert tied.predict_many(profiles).tolist() == singly


def test_the_answer_is_the_cluster_of_the_largest_weight(model, ticked_in):
    for row in random_profiles(500, len(model.interests)):
        weights = model.weights(ticked_in(model, row))
        assert model.predict(ticked_in(model, row)) == model.cluster_ids[np.argmax(weights)]


def test_single_weights_are_the_bulk_ones(model, ticked_in):
    profiles = random_profiles(200, len(model.interests))
    singly = np.array([model.weights(ticked_in(model, row)) for row in profiles])
    assert abs(model.weights_many(profiles) - singly).max() < 1e-14


def test_answers_are_cluster_numbers_not_positions(model_of):
    renumbered = model_of([[1.0, 0.0], [0.0, 1.0]], cluster_ids=[7, 3])
    assert (renumbered.predict(["i0"]), renumbered.predict(["i1"])) == (7, 3)
    assert renumbered.predict_many([[1, 0], [0, 1]]).tolist() == [7, 3]
    assert renumbered.explain(["i1"]).cluster == 3


def test_a_tie_goes_to_the_first_component(model_of):
    assert model_of([[1.0, 0.0], [0.0, 1.0]], cluster_ids=[7, 3]).predict(["i0", "i1"]) == 7


@pytest.mark.parametrize("ticked", [[], ["yodelling"]])
def test_a_profile_of_no_known_interest_ties_to_the_first_component(model, ticked):
    assert model.predict(ticked) == model.cluster_ids[0]
    assert not any(model.weights(ticked))


def test_unknown_interests_change_nothing(model, ticked_in):
    for row in random_profiles(100, len(model.interests)):
        ticked = ticked_in(model, row)
        assert model.predict([*ticked, "yodelling"]) == model.predict(ticked)
        assert model.explain(["yodelling", *ticked]) == model.explain(ticked)


@settings(deadline=None)
@given(data=st.data())
def test_order_and_repetition_change_nothing(model, data):
    ticked = data.draw(st.lists(st.sampled_from(model.interests), min_size=1, unique=True))
    again = data.draw(st.lists(st.sampled_from(ticked), max_size=30))
    shuffled = data.draw(st.permutations(ticked + again))
    assert model.predict(shuffled) == model.predict(ticked)
    assert model.explain(shuffled) == model.explain(ticked)


def test_any_iterable_may_be_asked_about(model):
    ticked = ["surf", "movies", "sushi"]
    for form in (tuple(ticked), set(ticked), dict.fromkeys(ticked), iter(ticked)):
        assert model.predict(form) == model.predict(ticked)
    assert model.explain(iter(ticked)) == model.explain(ticked)


def test_known_and_unknown_interests_are_told_apart(model):
    ticked = ["zither", "surf", "yodelling", "climbing", "surf", "zither"]
    assert model.known(ticked) == ("climbing", "surf")
    assert model.unknown(ticked) == ("yodelling", "zither")


@pytest.mark.parametrize("shape", [(3, 25), (3, 27), (26,)])
def test_profiles_of_the_wrong_width_are_refused(model, shape):
    with pytest.raises(ValueError, match="26 columns"):
        model.predict_many(np.zeros(shape))


def test_the_components_of_a_loaded_model_cannot_be_changed(model):
    model.matrix[0, 0] += 1.0
    assert model.matrix.tolist() == list(map(list, model.components))


def test_shares_sum_to_one_and_reproduce_the_weight(model, ticked_in):
    for row in random_profiles(500, len(model.interests)):
        ticked = ticked_in(model, row)
        told = model.explain(ticked)
        assert list(told.shares) == ticked
        assert told.weight == pytest.approx(max(model.weights(ticked)), abs=1e-14)
        if ticked:
            assert sum(told.shares.values()) == pytest.approx(1, abs=1e-12)


def test_a_share_is_what_the_weight_loses_with_the_interest(model, ticked_in):
    """While the active set stays, the weight is linear: no approximation in the shares."""
    compared = 0
    for row in random_profiles(200, len(model.interests)):
        ticked = ticked_in(model, row)
        weights = np.array(model.weights(ticked))
        told = model.explain(ticked)
        for interest in ticked:
            fewer = np.array(model.weights([name for name in ticked if name != interest]))
            if ((fewer > 1e-9) == (weights > 1e-9)).all():
                position = model.cluster_ids.index(told.cluster)
                lost = weights[position] - fewer[position]
                assert told.shares[interest] * told.weight == pytest.approx(lost, abs=1e-12)
                compared += 1
    assert compared > 500


def test_an_explanation_names_the_runner_up_and_the_margin(model, ticked_in):
    for row in random_profiles(500, len(model.interests)):
        ticked = ticked_in(model, row)
        told = model.explain(ticked)
        others = dict(zip(model.cluster_ids, model.weights(ticked), strict=True))
        weight = others.pop(told.cluster)
        assert told.cluster == model.predict(ticked)
        assert told.runner_up_weight == pytest.approx(max(others.values()), abs=1e-14)
        assert told.margin == pytest.approx(weight - max(others.values()), abs=1e-14)
        if told.runner_up is None:
            assert not any(others.values())
        else:
            assert others[told.runner_up] == max(others.values()) > 0


def test_the_explanation_of_an_empty_profile_is_empty(model):
    told = model.explain([])
    assert (told.cluster, told.weight, told.shares) == (model.cluster_ids[0], 0.0, {})
    assert (told.runner_up, told.runner_up_weight, told.margin) == (None, 0.0, 0.0)


def test_an_interest_in_no_component_has_a_share_of_zero(model_of):
    told = model_of([[1.0, 0.0], [0.5, 0.0]]).explain(["i1"])
    assert (told.weight, told.shares, told.runner_up) == (0.0, {"i1": 0.0}, None)


def test_an_answer_needs_no_library_of_training(root):
    script = (
        "import sys; from model.artifact import load; model = load();"
        "model.predict(['surf']); model.explain(['surf', 'sushi']);"
        "model.predict_many([[1] * len(model.interests)]);"
        "print({name.split('.')[0] for name in sys.modules} & {*'sklearn scipy flask app'.split()})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_package_itself_imports_nothing_heavy(root):
    script = "import sys, model, model.interests; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
