"""Training reproduces the published model, byte for byte."""

import json
import os
import subprocess
import sys

import joblib
import numpy as np
import pytest

from model import artifact
from model.interests import load_interests
from model.training.survey import read_survey
from tests.support.manage import run_manage

TRAIN = ("model", "train", "--published", "--yes")
FILES = (artifact.FACTORS, artifact.CARD)


@pytest.fixture
def survey_of(tmp_path):
    """Writes a survey of one question, one line a person."""

    def write(*answers):
        rows = [f'10/20/2021 17:21:42,"{answer}"' for answer in answers]
        file = tmp_path / "survey.csv"
        file.write_text("\n".join(["Timestamp,What do you like?", *rows]), encoding="utf-8")
        return file

    return write


@pytest.fixture
def run(tmp_path):
    """Runs the command in this process, with a temporary output directory."""

    def command(data, *options):
        output = tmp_path / "model"
        done = run_manage(*TRAIN, "--data", str(data), "--output", str(output), *options)
        print(done.stdout, end="")
        print(done.stderr, end="", file=sys.stderr)
        return done.returncode, output

    return command


FIVE_PEOPLE = ("Surf, Movies", "Sushi, Movies", "Surf, Sushi", "Coffee", "Coffee, Parks, Surf")


def test_the_committed_components_are_the_published_ones(model, published):
    assert list(model.interests) == published["interests"]
    assert abs(model.matrix - np.array(published["components"])).max() < 1e-9


def test_the_committed_components_have_twelve_significant_digits(model):
    assert all(value == float(f"{value:.12g}") for value in model.matrix.flat)


@pytest.mark.parametrize("coretype", [None, "Nehalem"])
def test_a_refit_gives_the_committed_bytes_on_any_blas_kernel(
    root, survey_file, tmp_path, coretype
):
    environment = {name: value for name, value in os.environ.items() if "CORETYPE" not in name}
    if coretype:
        environment["OPENBLAS_CORETYPE"] = coretype
    command = ["manage.py", *TRAIN, "--data", survey_file, "--output", tmp_path]
    subprocess.run([sys.executable, *command], cwd=root, env=environment, check=True)
    new, committed = (
        {name: (directory / name).read_bytes() for name in FILES}
        for directory in (tmp_path, artifact.DIRECTORY)
    )
    assert new[artifact.FACTORS] == committed[artifact.FACTORS]
    new_card, committed_card = (json.loads(files[artifact.CARD]) for files in (new, committed))
    if new_card.pop("versions") == committed_card.pop("versions"):
        assert new[artifact.CARD] == committed[artifact.CARD]
    assert new_card == committed_card


def test_the_cards_figures_are_those_of_the_survey(model, survey_file, published):
    profiles = read_survey(survey_file, load_interests()).profiles
    clusters = model.predict_many(profiles).tolist()
    sizes = {str(number): clusters.count(number) for number in model.cluster_ids}
    shares = np.array(list(sizes.values())) / len(profiles)
    assert model.training_users == len(profiles)
    assert model.metrics["cluster_sizes"] == sizes
    assert model.metrics["balance"] == pytest.approx(
        -(shares * np.log(shares)).sum() / np.log(len(shares)), abs=1e-6
    )
    assert model.metrics["reconstruction_error"] == pytest.approx(
        published["reconstruction_error"], abs=1e-5
    )


def test_an_unknown_answer_is_counted_on_stderr_and_skipped(survey_of, run, capsys):
    status, output = run(survey_of(*FIVE_PEOPLE, "Surf, Kayak in winter"))
    printed = capsys.readouterr()
    assert status == 0
    assert "column 'What do you like?': 1 unknown answers; skipped" in printed.err
    assert "Kayak" not in printed.err
    assert "Kayak" not in printed.out
    assert artifact.load(output).training_users == 6


def test_the_model_has_the_time_of_the_last_answer(survey_of, run):
    _, output = run(survey_of(*FIVE_PEOPLE))
    assert artifact.load(output).id.startswith("2021-10-20-")


@pytest.mark.parametrize("time", ["2024-05-06T07:08:09", "2024-05-06T09:08:09+02:00"])
def test_the_time_can_be_set_by_an_option(survey_of, run, time):
    _, output = run(survey_of(*FIVE_PEOPLE), "--trained-at", time)
    assert artifact.load(output).trained_at.isoformat() == "2024-05-06T07:08:09+00:00"
    assert artifact.load(output).id.startswith("2024-05-06-")


def test_the_time_of_training_does_not_change_the_factors(survey_of, run):
    data = survey_of(*FIVE_PEOPLE)
    _, output = run(data)
    before = joblib.hash(joblib.load(output / artifact.FACTORS))
    run(data, "--trained-at", "2024-05-06")
    assert joblib.hash(joblib.load(output / artifact.FACTORS)) == before


@pytest.mark.parametrize("answers", [(), ("Surf",), ("Surf", "Sushi", "Movies")])
def test_too_few_people_end_the_command_with_one_line(survey_of, run, capsys, answers):
    status, output = run(survey_of(*answers))
    assert status == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not output.exists()


def test_a_component_of_zeros_ends_the_command_with_one_line(survey_of, run, capsys):
    status, output = run(survey_of("Surf", "Surf", "Surf", "Surf"))
    assert status == 1
    assert "a component is all zeros" in capsys.readouterr().err
    assert not output.exists()


def test_a_missing_file_ends_the_command_with_one_line(run, capsys, tmp_path):
    status, _ = run(tmp_path / "nowhere.csv")
    assert status == 1
    assert "nowhere.csv" in capsys.readouterr().err


def test_training_imports_scikit_learn_only_to_fit(root):
    script = (
        "import sys, model.training.train; print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False False"


def test_the_readme_has_the_committed_models_figures(model):
    readme = (artifact.DIRECTORY / "README.md").read_text(encoding="utf-8")
    sizes = model.metrics["cluster_sizes"]
    for cluster in model.clusters:
        assert f"| {cluster.id} | {cluster.label_en} | {sizes[str(cluster.id)]} |" in readme
    for figure in (model.id, model.metrics["reconstruction_error"], model.metrics["balance"]):
        assert str(figure) in readme
