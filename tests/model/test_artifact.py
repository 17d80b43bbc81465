"""The model on disk: a written model loads, and a damaged one does not."""

import hashlib
import io
import json
import math
import pickle
import shutil

import joblib
import numpy as np
import pytest

from model import artifact
from model.artifact import ArtifactError


@pytest.fixture
def directory(tmp_path):
    """A copy of the committed model's files."""
    for name in (artifact.FACTORS, artifact.CARD):
        shutil.copy(artifact.DIRECTORY / name, tmp_path)
    return tmp_path


@pytest.fixture
def forge(directory):
    """Changes the files' content, with a matching sha256, as `write` never would."""

    def change(factors=None, card=None, payload=None):
        original = joblib.load(directory / artifact.FACTORS)
        buffer = io.BytesIO()
        joblib.dump({**original, **(factors or {})}, buffer)
        content = payload if payload is not None else buffer.getvalue()
        (directory / artifact.FACTORS).write_bytes(content)
        written = json.loads((directory / artifact.CARD).read_text(encoding="utf-8"))
        whole = {**written, "sha256": hashlib.sha256(content).hexdigest(), **(card or {})}
        kept = {key: value for key, value in whole.items() if value is not ...}
        (directory / artifact.CARD).write_text(json.dumps(kept), encoding="utf-8")
        return directory

    return change


@pytest.fixture
def arguments():
    """Arguments of `write`, for two clusters of three interests."""
    return {
        "components": [[1.0, 0.5, 0.0], [0.0, 0.25, 2.0]],
        "interests": ["chess", "surf", "tea"],
        "cluster_ids": [5, 2],
        "card": {
            "trained_at": "2024-05-06T07:08:09+00:00",
            "training_users": 12,
            "n_clusters": 2,
            "rule": "argmax",
            "metrics": {"balance": 0.5},
            "clusters": [
                {"id": 5, "label_es": "Ajedrez", "label_en": "Chess", "top_interests": ["chess"]},
                {"id": 2, "label_es": "Té", "label_en": "Tea", "top_interests": ["tea", "surf"]},
            ],
            "retired": [1, 3],
        },
    }


def test_the_committed_files_load(model):
    card = json.loads((artifact.DIRECTORY / artifact.CARD).read_text(encoding="utf-8"))
    assert (model.id, model.sha256) == (card["id"], card["sha256"])
    assert model.id == f"{model.trained_at:%Y-%m-%d}-{model.sha256[:8]}"
    assert [cluster.id for cluster in model.clusters] == list(model.cluster_ids)


def test_joblib_reads_the_committed_factors_as_plain_lists(model):
    factors = joblib.load(artifact.DIRECTORY / artifact.FACTORS)
    assert factors == {
        "components": list(map(list, model.components)),
        "interests": list(model.interests),
        "cluster_ids": list(model.cluster_ids),
    }


def test_a_clusters_top_interests_are_its_components_heaviest(model):
    for cluster, row in zip(model.clusters, model.components, strict=True):
        weights = dict(zip(model.interests, row, strict=True))
        heaviest = sorted(weights.items(), key=lambda item: -item[1])
        assert list(cluster.top_interests) == heaviest[: len(cluster.top_interests)]


def test_a_written_model_loads(tmp_path, arguments):
    written = artifact.write(tmp_path / "new", **arguments)
    loaded = artifact.load(tmp_path / "new")
    assert loaded.matrix.tolist() == arguments["components"]
    assert (loaded.interests, loaded.cluster_ids) == (("chess", "surf", "tea"), (5, 2))
    assert loaded.clusters[1].top_interests == (("tea", 2.0), ("surf", 0.25))
    assert (loaded.retired, loaded.training_users) == ((1, 3), 12)
    assert loaded.metrics == {"balance": 0.5}
    assert (written.id, written.clusters) == (loaded.id, loaded.clusters)


def test_the_same_arguments_give_the_same_bytes(tmp_path, arguments):
    for name in ("one", "two"):
        artifact.write(tmp_path / name, **arguments)
    for name in (artifact.FACTORS, artifact.CARD):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_arguments_that_do_not_fit_leave_the_old_model_in_place(directory, arguments):
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    arguments["cluster_ids"] = [5]
    with pytest.raises(ArtifactError, match="do not fit"):
        artifact.write(directory, **arguments)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before


def test_a_flipped_byte_anywhere_in_the_factors_refuses_to_load(directory):
    file = directory / artifact.FACTORS
    content = file.read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        with pytest.raises(ArtifactError, match="sha256"):
            artifact.load(directory)


def test_factors_of_another_sha256_are_never_unpickled(directory):
    class Trap:
        def __reduce__(self):
            return (directory.joinpath("sprung").mkdir, ())

    (directory / artifact.FACTORS).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ArtifactError, match="sha256"):
        artifact.load(directory)
    assert not (directory / "sprung").exists()


@pytest.mark.parametrize("name", [artifact.FACTORS, artifact.CARD])
def test_a_missing_file_refuses_to_load(directory, name):
    (directory / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} cannot be read: No such file"):
        artifact.load(directory)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"sha256": NaN}', "\x00", "[" * 100_000]
)
def test_a_malformed_card_refuses_to_load(directory, text):
    (directory / artifact.CARD).write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="is not a model card"):
        artifact.load(directory)


@pytest.mark.parametrize("payload", [b"", b"not a pickle", pickle.dumps({"components": 1})[:-3]])
def test_factors_that_are_not_a_joblib_file_refuse_to_load(forge, payload):
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifact.load(forge(payload=payload))


@pytest.mark.parametrize("payload", [[], None, {}, {"components": [[1.0]]}])
def test_incomplete_factors_refuse_to_load(forge, payload):
    with pytest.raises(ArtifactError, match="do not fit"):
        artifact.load(forge(payload=pickle.dumps(payload)))


@pytest.mark.parametrize(
    ("factors", "reason"),
    [
        ({"components": [[1.0] * 26] * 3}, "3 components of 26 numbers"),
        ({"components": [[1.0] * 25] * 4}, "4 components of 25 numbers"),
        ({"components": [[1.0] * 26, [1.0], [1.0] * 26, [1.0] * 26]}, "do not fit"),
        ({"components": []}, "lists of floats"),
        ({"components": [1.0] * 26}, "lists of floats"),
        ({"components": [[1] * 26] * 4}, "lists of floats"),
        ({"components": [["1.0"] * 26] * 4}, "lists of floats"),
        ({"components": np.ones((4, 26))}, "lists of floats"),
        ({"components": (np.eye(4, 26) - 1).tolist()}, "non-negative"),
        ({"components": [[math.nan] * 26] * 4}, "finite"),
        ({"components": [[1.0] * 26, [0.0] * 26] * 2}, "all zeros"),
        ({"interests": ["surf"] * 26}, "duplicate interest"),
        ({"interests": [""] * 26}, "not a text"),
        ({"interests": list(range(26))}, "not a text"),
        ({"interests": "abcdefghijklmnopqrstuvwxyz"}, "not a list"),
        ({"cluster_ids": [1, 2, 3, 3]}, "duplicate cluster id"),
        ({"cluster_ids": [0, 1, 2, 3]}, "whole number"),
        ({"cluster_ids": [1, 2, 3, 40000]}, "whole number"),
        ({"cluster_ids": [1, 2, 3, True]}, "whole number"),
        ({"cluster_ids": [4, 3, 2, 1]}, "not those of the components"),
    ],
)
def test_factors_that_do_not_fit_refuse_to_load(forge, factors, reason):
    with pytest.raises(ArtifactError, match=reason):
        artifact.load(forge(factors=factors))


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"rule": "softmax"}, "rule"),
        ({"n_clusters": 5}, "n_clusters"),
        ({"clusters": []}, "not those of the components"),
        ({"retired": [4]}, "in use"),
        ({"retired": [-1]}, "whole number"),
        ({"trained_at": "2024-05-06T07:08:09"}, "offset"),
        ({"trained_at": "yesterday"}, "yesterday"),
        ({"trained_at": None}, "do not fit"),
        ({"id": ""}, "not a text"),
        ({"training_users": "many"}, "many"),
        *(({key: ...}, f"'{key}' is missing") for key in ("id", "metrics", "rule", "retired")),
    ],
)
def test_a_card_that_does_not_fit_refuses_to_load(forge, card, reason):
    with pytest.raises(ArtifactError, match=reason):
        artifact.load(forge(card=card))
