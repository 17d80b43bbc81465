"""Trains the model: `python -m model.train --published --data ../shared/data/survey.csv`.

`--published` refits the model of the published cluster API. The same data give the same bytes:
the factors are stored at 12 significant digits, beyond which BLAS kernels differ, and the model
bears the time of the data's last answer, not of the run.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from model import artifact
from model.interests import Interest, load_interests, phrase
from model.nnls import ActiveSets, Array
from model.predict import leader
from model.survey import Survey, SurveyError, read_survey

# scikit-learn's NMF, with every parameter stated: the default of `init` alone has changed since
# the model was published, and with it where a fifth of the survey's people would land.
PUBLISHED: dict[str, Any] = {
    "n_components": 4,
    "init": "nndsvd",
    "solver": "cd",
    "beta_loss": "frobenius",
    "tol": 1e-4,
    "max_iter": 200,
    "random_state": 42,
    "alpha_W": 0.0,
    "alpha_H": "same",
    "l1_ratio": 0.0,
    "verbose": 0,
    "shuffle": False,
}

SIGNIFICANT_DIGITS = 12
INTERESTS_IN_LABEL = 3
TOP_INTERESTS = 5

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 when the model is written, 1 with a line on stderr when it is not."""
    options = _options(arguments)
    try:
        interests = load_interests()
        survey = read_survey(options.data, interests)
        for answer in survey.unknown:
            print(
                f"{options.data}, line {answer.line}: no interest means {answer.text!r} "
                f"(answer to {answer.question!r}); left out",
                file=sys.stderr,
            )
        trained_at = options.trained_at or survey.last_answer_at()
        components = fit(survey.profiles, PUBLISHED)
        cluster_ids = list(range(1, len(components) + 1))
        model = artifact.write(
            options.output,
            components=components,
            interests=survey.interests,
            cluster_ids=cluster_ids,
            card=card(survey, interests, components, cluster_ids, trained_at),
        )
    except (OSError, SurveyError, artifact.ArtifactError) as error:
        print(f"model.train: {error}", file=sys.stderr)
        return 1
    print(f"model {model.id}, of {model.training_users} people")
    for cluster in model.clusters:
        print(f"  {cluster.id}  {cluster.label_en}")
    return 0


def fit(profiles: Array, parameters: dict[str, Any]) -> Array:
    """The NMF components of profiles (n, m), at 12 significant digits: (k, m).

    Args:
        profiles: 0/1, one row a person.
        parameters: of `sklearn.decomposition.NMF`, all of them stated.

    Raises:
        SurveyError: there are fewer people or interests than components.
    """
    from sklearn.decomposition import NMF

    if min(profiles.shape) < parameters["n_components"]:
        raise SurveyError(
            f"{profiles.shape[0]} people and {profiles.shape[1]} interests are too few for "
            f"{parameters['n_components']} clusters"
        )
    components = NMF(**parameters).fit(profiles).components_
    digits = [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in components.flat]
    return np.array(digits).reshape(components.shape)


def card(
    survey: Survey,
    interests: Sequence[Interest],
    components: Array,
    cluster_ids: Sequence[int],
    trained_at: datetime,
) -> dict[str, Any]:
    """What the model card says of the published fit, besides what `artifact.write` adds."""
    return {
        "trained_at": trained_at.astimezone(UTC).isoformat(),
        "training_users": len(survey.profiles),
        "n_clusters": len(cluster_ids),
        "init": PUBLISHED["init"],
        "seed": PUBLISHED["random_state"],
        "rule": artifact.RULE,
        "parameters": PUBLISHED,
        "versions": versions(),
        "metrics": metrics(survey.profiles, components, cluster_ids),
        "clusters": [
            describe(number, row, survey.interests, interests)
            for number, row in zip(cluster_ids, components, strict=True)
        ],
        "retired": [],
    }


def metrics(profiles: Array, components: Array, cluster_ids: Sequence[int]) -> dict[str, Any]:
    """How the model fits the people it was trained on, placed as the service would place them.

    `reconstruction_error` is the Frobenius norm of `profiles - W H`; `balance` the entropy of the
    cluster sizes over that of equal sizes: 1 when all are equal, 0 when one holds everybody.
    """
    weights = ActiveSets(components).weights_many(profiles)
    counts = Counter(leader(weights).tolist())
    sizes = [counts[i] for i in range(len(cluster_ids))]
    shares = [size / len(profiles) for size in sizes if size]
    entropy = -sum(share * log(share) for share in shares)
    error = float(np.linalg.norm(profiles - weights @ components))
    return {
        "reconstruction_error": round(error, 6),
        "cluster_sizes": dict(zip(map(str, cluster_ids), sizes, strict=True)),
        "balance": round(entropy / log(len(sizes)), 6) if len(sizes) > 1 else 1.0,
    }


def describe(
    number: int, component: Array, keys: Sequence[str], interests: Sequence[Interest]
) -> dict[str, Any]:
    """A cluster's entry in the card: its heaviest interests, and a label from the first three."""
    heaviest = np.argsort(-component, kind="stable")[:TOP_INTERESTS]
    top = [keys[j] for j in heaviest if component[j] > 0]
    return {
        "id": number,
        "label_es": phrase(top[:INTERESTS_IN_LABEL], interests, "es"),
        "label_en": phrase(top[:INTERESTS_IN_LABEL], interests, "en"),
        "top_interests": top,
    }


def versions() -> dict[str, str]:
    """The versions of what the factors came out of."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{library: version(library) for library in LIBRARIES}}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.train", description="Train the model.")
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
        type=_time,
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


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
