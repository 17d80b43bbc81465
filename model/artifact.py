"""The model on disk: `nmf.joblib` with the factors, and `nmf.json`, the model card.

The joblib file is a dict of lists, strings and numbers, so that loading it needs no scikit-learn.
joblib unpickles, and a pickle can run code: the file is loaded only if its sha256 is the one in
the card, which is in git.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import joblib
import numpy as np
from numpy.typing import ArrayLike

from model.predict import Cluster, Model

DIRECTORY = Path(__file__).parent
FACTORS = "nmf.joblib"
CARD = "nmf.json"

RULE = "argmax"
MAX_CLUSTER_ID = 32_767  # a PostgreSQL smallint


class ArtifactError(Exception):
    """The model's files are missing, damaged or inconsistent; the message says how."""


def load(directory: Path = DIRECTORY) -> Model:
    """Return the model whose files are in `directory`.

    Raises:
        ArtifactError: a file is missing or malformed, the sha256 of the factors is not the card's,
            or the shapes are inconsistent.
    """
    card_bytes, factor_bytes = _read(directory / CARD), _read(directory / FACTORS)
    try:
        card = json.loads(card_bytes, parse_constant=_reject_constant)
        expected = card["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{directory / CARD} is not a model card: {_reason(error)}") from error
    actual = hashlib.sha256(factor_bytes).hexdigest()
    if actual != expected:
        raise ArtifactError(
            f"{directory / FACTORS} is not the file that its card describes: its sha256 is "
            f"{actual}, not {expected}"
        )
    try:
        factors = joblib.load(io.BytesIO(factor_bytes))
    except Exception as error:  # unpickling may raise anything
        raise ArtifactError(f"{directory / FACTORS} cannot be read: {_reason(error)}") from error
    return _build_model(factors, card)


def write(
    directory: Path,
    *,
    components: ArrayLike,
    interests: Sequence[str],
    cluster_ids: Sequence[int],
    card: Mapping[str, Any],
) -> Model:
    """Write both files and return the model in them. The same arguments give the same bytes.

    Args:
        directory: existing files in it are replaced once the new ones are complete.
        components: H, (k, m), finite and non-negative.
        interests: (m) keys.
        cluster_ids: (k) stable numbers.
        card: the card without `id` and `sha256`, which are added: `trained_at` (ISO 8601 with an
            offset), `training_users`, `n_clusters`, `rule`, `metrics`, `clusters` (`id`,
            `label_es`, `label_en`, `top_interests`), `retired`, and any further entries.

    Raises:
        ArtifactError: the arguments are inconsistent; nothing is written.
        OSError: the directory cannot be written.
    """
    buffer = io.BytesIO()
    factors = {
        "components": np.array(components, dtype=np.float64).tolist(),
        "interests": [str(interest) for interest in interests],
        "cluster_ids": [int(number) for number in cluster_ids],
    }
    joblib.dump(factors, buffer, compress=0, protocol=4)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = {"id": f"{card['trained_at'][:10]}-{sha256[:8]}", "sha256": sha256, **card}
    model = _build_model(factors, card)
    text = json.dumps(card, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory, prefix=".new-") as staging:
        for name, content in ((FACTORS, buffer.getvalue()), (CARD, text.encode())):
            staged = Path(staging, name)
            staged.write_bytes(content)
            staged.replace(directory / name)
    return model


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read: {error.strerror}") from error


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return f"{error or type(error).__name__}"


def _build_model(factors: Mapping[str, Any], card: Mapping[str, Any]) -> Model:
    """Return the model of the factors and their card. Raises ArtifactError."""
    try:
        _check_factors(factors["components"], factors["interests"], factors["cluster_ids"])
        _check_card(card, factors["cluster_ids"])
        components = tuple(tuple(row) for row in factors["components"])
        interests = tuple(factors["interests"])
        return Model(
            id=_text(card["id"]),
            sha256=card["sha256"],
            trained_at=datetime.fromisoformat(card["trained_at"]),
            training_users=int(card["training_users"]),
            metrics=dict(card["metrics"]),
            interests=interests,
            cluster_ids=tuple(factors["cluster_ids"]),
            clusters=tuple(
                _cluster(entry, dict(zip(interests, row, strict=True)))
                for entry, row in zip(card["clusters"], components, strict=True)
            ),
            retired=tuple(card["retired"]),
            components=components,
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ArtifactError(f"the factors and the card do not fit: {_reason(error)}") from error


def _check_card(card: Mapping[str, Any], cluster_ids: list[int]) -> None:
    _require(card["rule"] == RULE, f"the rule {card['rule']!r} is not {RULE!r}")
    zone = datetime.fromisoformat(card["trained_at"]).tzinfo
    _require(zone is not None, "trained_at has no offset from UTC")
    _require(card["n_clusters"] == len(cluster_ids), "n_clusters is not the number of components")
    described = [cluster["id"] for cluster in card["clusters"]]
    _require(described == cluster_ids, "the card's clusters are not those of the components")
    _require_ids(card["retired"], "a retired id")
    _require(not set(card["retired"]) & set(cluster_ids), "a retired cluster is in use")


def _check_factors(components: Any, interests: Any, cluster_ids: Any) -> None:
    _require(isinstance(interests, list), "interests is not a list")
    _require(isinstance(cluster_ids, list), "cluster_ids is not a list")
    rows = components if isinstance(components, list) else []
    _require(
        bool(rows)
        and all(isinstance(row, list) and set(map(type, row)) <= {float} for row in rows),
        "components is not a list of lists of floats",
    )
    _require(
        len(rows) == len(cluster_ids) and all(len(row) == len(interests) for row in rows),
        f"{len(rows)} components of {len(rows[0])} numbers do not fit {len(cluster_ids)} cluster "
        f"ids and {len(interests)} interests",
    )
    _require(all(map(any, rows)), "a component is all zeros")
    _require(len(set(map(_text, interests))) == len(interests), "duplicate interest")
    _require_ids(cluster_ids, "a cluster id")
    _require(len(set(cluster_ids)) == len(cluster_ids), "duplicate cluster id")


def _cluster(entry: Mapping[str, Any], weights: Mapping[str, float]) -> Cluster:
    return Cluster(
        id=entry["id"],
        label_es=_text(entry["label_es"]),
        label_en=_text(entry["label_en"]),
        top_interests=tuple((key, weights[key]) for key in entry["top_interests"]),
    )


def _require_ids(ids: Sequence[Any], name: str) -> None:
    are_valid = all(type(number) is int and 1 <= number <= MAX_CLUSTER_ID for number in ids)
    _require(are_valid, f"{name} is not a whole number from 1 to {MAX_CLUSTER_ID}")


def _text(value: Any) -> str:
    _require(isinstance(value, str) and value.strip() != "", f"{value!r} is not a text")
    return str(value)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
