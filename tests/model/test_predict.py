"""The model in service: predictions, explanations and imports."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support.planted import random_profiles


def selected_of(request):
    return [interest for interest, on in request["interests"].items() if on]


def test_every_recorded_prediction_of_the_published_api_is_reproduced(model, recorded):
    predictions = [model.predict(selected_of(call["request"])) for call in recorded]
    assert predictions == [call["response"]["cluster"] for call in recorded]
    assert len(recorded) == 300


def test_the_recorded_predictions_are_reproduced_in_bulk(model, recorded):
    requests = [call["request"]["interests"] for call in recorded]
    profiles = [[interests[name] for name in model.interests] for interests in requests]
    assert model.predict_many(profiles).tolist() == [
        call["response"]["cluster"] for call in recorded
    ]


def test_bulk_predictions_equal_single_ones(model, selected_in):
    profiles = random_profiles(5_000, len(model.interests))
    singly = [model.predict(selected_in(model, row)) for row in profiles]
    assert model.predict_many(profiles).tolist() == singly


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 8, 12])
def test_bulk_predictions_equal_single_ones_with_any_number_of_clusters(k, model_of, selected_in):
    rng = np.random.default_rng(k)
    random_model = model_of(rng.random((k, 26)) * (rng.random((k, 26)) < 0.5))
    profiles = random_profiles(500, 26, seed=k)
    singly = [random_model.predict(selected_in(random_model, row)) for row in profiles]
    assert random_model.predict_many(profiles).tolist() == singly


@settings(max_examples=300, deadline=None)
@given(
    components=arrays(int, st.tuples(st.integers(1, 5), st.just(6)), elements=st.integers(0, 3)),
    profiles=arrays(bool, (20, 6)),
)
def test_bulk_predictions_equal_single_ones_where_clusters_tie_or_repeat(
    components, profiles, model_of, selected_in
):
    if not components.any():
        return
    tied = model_of(components)
    singly = [tied.predict(selected_in(tied, row)) for row in profiles]
    assert tied.predict_many(profiles).tolist() == singly


def test_the_prediction_is_the_cluster_of_the_largest_weight(model, selected_in):
    for row in random_profiles(500, len(model.interests)):
        weights = model.weights(selected_in(model, row))
        assert model.predict(selected_in(model, row)) == model.cluster_ids[np.argmax(weights)]


def test_bulk_weights_equal_single_ones(model, selected_in):
    profiles = random_profiles(200, len(model.interests))
    singly = np.array([model.weights(selected_in(model, row)) for row in profiles])
    assert abs(model.weights_many(profiles) - singly).max() < 1e-14


def test_predictions_are_cluster_numbers_not_positions(model_of):
    renumbered = model_of([[1.0, 0.0], [0.0, 1.0]], cluster_ids=[7, 3])
    assert (renumbered.predict(["i0"]), renumbered.predict(["i1"])) == (7, 3)
    assert renumbered.predict_many([[1, 0], [0, 1]]).tolist() == [7, 3]
    assert renumbered.explain(["i1"]).cluster == 3


def test_a_tie_goes_to_the_first_component(model_of):
    assert model_of([[1.0, 0.0], [0.0, 1.0]], cluster_ids=[7, 3]).predict(["i0", "i1"]) == 7


@pytest.mark.parametrize("selected", [[], ["yodelling"]])
def test_a_profile_of_no_known_interest_ties_to_the_first_component(model, selected):
    assert model.predict(selected) == model.cluster_ids[0]
    assert not any(model.weights(selected))


def test_unknown_interests_change_nothing(model, selected_in):
    for row in random_profiles(100, len(model.interests)):
        selected = selected_in(model, row)
        assert model.predict([*selected, "yodelling"]) == model.predict(selected)
        assert model.explain(["yodelling", *selected]) == model.explain(selected)


@settings(deadline=None)
@given(data=st.data())
def test_order_and_repetition_change_nothing(model, data):
    selected = data.draw(st.lists(st.sampled_from(model.interests), min_size=1, unique=True))
    again = data.draw(st.lists(st.sampled_from(selected), max_size=30))
    shuffled = data.draw(st.permutations(selected + again))
    assert model.predict(shuffled) == model.predict(selected)
    assert model.explain(shuffled) == model.explain(selected)


def test_any_iterable_of_interests_is_accepted(model):
    selected = ["surf", "movies", "sushi"]
    for form in (tuple(selected), set(selected), dict.fromkeys(selected), iter(selected)):
        assert model.predict(form) == model.predict(selected)
    assert model.explain(iter(selected)) == model.explain(selected)


def test_known_and_unknown_interests_are_distinguished(model):
    selected = ["zither", "surf", "yodelling", "climbing", "surf", "zither"]
    assert model.known(selected) == ("climbing", "surf")
    assert model.unknown(selected) == ("yodelling", "zither")


@pytest.mark.parametrize("shape", [(3, 25), (3, 27), (26,)])
def test_profiles_of_the_wrong_width_are_rejected(model, shape):
    with pytest.raises(ValueError, match="26 columns"):
        model.predict_many(np.zeros(shape))


def test_the_components_of_a_loaded_model_cannot_be_changed(model):
    model.matrix[0, 0] += 1.0
    assert model.matrix.tolist() == list(map(list, model.components))


def test_shares_sum_to_one_and_reproduce_the_weight(model, selected_in):
    for row in random_profiles(500, len(model.interests)):
        selected = selected_in(model, row)
        result = model.explain(selected)
        assert list(result.shares) == selected
        assert result.weight == pytest.approx(max(model.weights(selected)), abs=1e-14)
        if selected:
            assert sum(result.shares.values()) == pytest.approx(1, abs=1e-12)


def test_a_share_is_the_loss_of_weight_without_the_interest(model, selected_in):
    """The weight is linear while the active set is the same, so the shares are exact."""
    compared = 0
    for row in random_profiles(200, len(model.interests)):
        selected = selected_in(model, row)
        weights = np.array(model.weights(selected))
        result = model.explain(selected)
        for interest in selected:
            fewer = np.array(model.weights([name for name in selected if name != interest]))
            if ((fewer > 1e-9) == (weights > 1e-9)).all():
                position = model.cluster_ids.index(result.cluster)
                lost = weights[position] - fewer[position]
                assert result.shares[interest] * result.weight == pytest.approx(lost, abs=1e-12)
                compared += 1
    assert compared > 500


def test_an_explanation_names_the_runner_up_and_the_margin(model, selected_in):
    for row in random_profiles(500, len(model.interests)):
        selected = selected_in(model, row)
        result = model.explain(selected)
        others = dict(zip(model.cluster_ids, model.weights(selected), strict=True))
        weight = others.pop(result.cluster)
        assert result.cluster == model.predict(selected)
        assert result.runner_up_weight == pytest.approx(max(others.values()), abs=1e-14)
        assert result.margin == pytest.approx(weight - max(others.values()), abs=1e-14)
        if result.runner_up is None:
            assert not any(others.values())
        else:
            assert others[result.runner_up] == max(others.values()) > 0


def test_the_explanation_of_an_empty_profile_is_empty(model):
    result = model.explain([])
    assert (result.cluster, result.weight, result.shares) == (model.cluster_ids[0], 0.0, {})
    assert (result.runner_up, result.runner_up_weight, result.margin) == (None, 0.0, 0.0)


def test_an_interest_in_no_component_has_a_share_of_zero(model_of):
    result = model_of([[1.0, 0.0], [0.5, 0.0]]).explain(["i1"])
    assert (result.weight, result.shares, result.runner_up) == (0.0, {"i1": 0.0}, None)


def test_a_prediction_imports_no_training_library(root):
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


def test_the_package_does_not_import_numpy(root):
    script = "import sys, model, model.interests; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
