"""Models for tests: the committed one, and any other by its components."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import artifact
from model.predict import Model
from tests.support.paths import ROOT

DATA = Path(__file__).with_name("data")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def model() -> Model:
    """The committed model."""
    return artifact.load()


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    """The published model's interests and components."""
    return json.loads((DATA / "published_model.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def recorded() -> list[dict[str, Any]]:
    """Requests to the published API, with its responses."""
    lines = (DATA / "published_cluster_responses.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def survey_file() -> Path:
    """The survey, which is not in the repository."""
    file = ROOT.parent / "shared" / "data" / "survey.csv"
    if not file.exists():
        pytest.skip(f"the survey is not in the repository, and {file} does not exist")
    return file


@pytest.fixture(scope="session")
def model_of() -> Callable[..., Model]:
    """Builds a model of some components; its interests are i0, i1, …"""

    def build(components: Any, cluster_ids: Sequence[int] | None = None) -> Model:
        rows = np.array(components, dtype=np.float64)
        return Model(
            id="test",
            sha256="",
            trained_at=datetime(2024, 1, 1, tzinfo=UTC),
            training_users=0,
            metrics={},
            interests=tuple(f"i{j}" for j in range(rows.shape[1])),
            cluster_ids=tuple(cluster_ids or range(1, len(rows) + 1)),
            clusters=(),
            components=tuple(map(tuple, rows.tolist())),
        )

    return build


@pytest.fixture(scope="session")
def selected_in() -> Callable[[Model, Any], list[str]]:
    """Returns the interests selected in a row of 0/1."""

    def selected(model: Model, row: Any) -> list[str]:
        return [name for name, on in zip(model.interests, row, strict=True) if on]

    return selected
