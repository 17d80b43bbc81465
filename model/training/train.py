"""Trains a model: `manage.py model train`, or without the application

    python -m model.training.train --published --data ../shared/data/survey.csv

`--published` refits the model of the published cluster API. The same data give the same bytes:
the factors are stored at 12 significant digits, beyond which BLAS kernels differ, and the model
bears the time of the data's last answer, not of the run.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from model import artifact
from model.interests import load_interests
from model.nnls import Array
from model.predict import Model
from model.training.alignment import align, moves
from model.training.fitting import PUBLISHED, fit, fit_new, parameters_of
from model.training.model_card import card, state_figures
from model.training.profiles import Profiles
from model.training.stability import Choice
from model.training.survey import SurveyError, read_survey

# What a model bears whose data have no time: any that is not today's.
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that is not yet on disk: what `artifact.write` takes."""

    components: Array
    interests: tuple[str, ...]
    cluster_ids: tuple[int, ...]
    card: dict[str, Any]


def train_published(people: Profiles, trained_at: datetime) -> Trained:
    """The published model, its parameters and its numbers, fitted to people.

    Raises:
        SurveyError: there are fewer people or interests than components.
    """
    components = fit(people.ticks, PUBLISHED)
    ids = tuple(range(1, len(components) + 1))
    said = card(
        people.ticks,
        people.interests,
        load_interests(),
        components,
        ids,
        PUBLISHED,
        trained_at,
    )
    return Trained(components, people.interests, ids, said)


def train_new(
    people: Profiles,
    k: int,
    trained_at: datetime,
    previous: Model | None = None,
    choice: Choice | None = None,
) -> Trained:
    """A model of k clusters, which keep the numbers they had in `previous`.

    Args:
        choice: why k, if it was not given.

    Raises:
        SurveyError: there are too few people or interests for k clusters.
    """
    components = fit_new(people.ticks, k)
    ids, retired = tuple(range(1, k + 1)), tuple[int, ...]()
    said: dict[str, Any] = {}
    if previous:
        alignment = align(components, people.interests, previous)
        order = np.argsort(alignment.cluster_ids)
        components = components[order]
        ids = tuple(sorted(alignment.cluster_ids))
        retired = alignment.retired
        said["moves"] = moves(people.ticks, people.interests, components, ids, previous)
    if choice:
        said["clusters_chosen"] = choice.as_dict()
    stated = card(
        people.ticks,
        people.interests,
        load_interests(),
        components,
        ids,
        parameters_of(k),
        trained_at,
        retired,
    )
    stated["fit"] = "NMF, components at unit length, sharpened for room affinity"
    return Trained(components, people.interests, ids, stated | said)


def made(trained: Trained) -> Model:
    """The model as it would be on disk.

    Raises:
        artifact.ArtifactError: the parts make no model.
    """
    with TemporaryDirectory() as scratch:
        return _written(Path(scratch), trained)


def save(directory: Path, trained: Trained) -> Model:
    """Writes the model's files, and its figures into the README beside them.

    Raises:
        artifact.ArtifactError: the parts make no model; nothing is written.
        OSError: the directory cannot be written.
    """
    model = _written(directory, trained)
    state_figures(directory, model)
    return model


def _written(directory: Path, trained: Trained) -> Model:
    return artifact.write(
        directory,
        components=trained.components,
        interests=trained.interests,
        cluster_ids=trained.cluster_ids,
        card=trained.card,
    )


def published_people(file: Path) -> Profiles:
    """A form export's people for the published fit: its vocabulary, the empty-handed included.

    Raises:
        OSError: the file cannot be read.
        SurveyError: it is no form export, or nobody answered.
    """
    survey = read_survey(file, load_interests())
    last_at = survey.last_answer_at() if survey.has_readable_times() else None
    unknown = tuple(answer.told() for answer in survey.unknown)
    return Profiles(survey.interests, survey.profiles, last_at, unknown=unknown)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 when the model is written, 1 with a line on stderr when it is not."""
    options = _options(arguments)
    try:
        people = published_people(options.data)
        for answer in people.unknown:
            print(f"{options.data}, {answer}", file=sys.stderr)
        trained_at = options.trained_at or people.last_at or NO_TIME
        model = save(options.output, train_published(people, trained_at))
    except (OSError, SurveyError, artifact.ArtifactError) as error:
        print(f"model.training.train: {error}", file=sys.stderr)
        return 1
    print(f"model {model.id}, of {model.training_users} people")
    for cluster in model.clusters:
        print(f"  {cluster.id}  {cluster.label_en}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.training.train", description="Train the model."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--published", action="store_true", help="refit the model of the published cluster API"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="the survey, as the form exports it",
    )
    parser.add_argument(
        "--trained-at",
        type=time_of,
        metavar="TIME",
        help="ISO 8601, UTC unless it says otherwise (default: the time of the last answer)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=artifact.DIRECTORY,
        metavar="DIRECTORY",
        help="where nmf.joblib and nmf.json go (default: beside this module)",
    )
    return parser.parse_args(arguments)


def time_of(text: str) -> datetime:
    """A time in ISO 8601; UTC unless it says otherwise. Raises ValueError."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
