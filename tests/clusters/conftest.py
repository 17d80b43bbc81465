"""Models that follow the shipped one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from app import create_app
from app.config import Settings, psycopg2_url
from app.services import Services
from model.predict import Cluster, Model
from tests.support.databases import EMPTY, Server, sql_on

MakeModel = Callable[..., Model]


@pytest.fixture
def make_model(model: Model) -> MakeModel:
    """Make a model whose numbers have the shipped model's components, but for those given."""

    def make(
        name: str,
        numbers: Sequence[int] = (1, 2, 3, 4),
        retired: Sequence[int] = (),
        **components: Sequence[float],
    ) -> Model:
        own = dict(zip(model.cluster_ids, model.components, strict=True))
        rows = [components.get(f"c{n}", own.get(n, ())) for n in numbers]
        return replace(
            model,
            id=name,
            sha256=name,
            cluster_ids=tuple(numbers),
            retired=tuple(retired),
            components=tuple(tuple(map(float, row)) for row in rows),
            clusters=tuple(
                Cluster(n, f"grupo {n}", f"group {n}", ((model.interests[0], 1.0),))
                for n in numbers
            ),
        )

    return make


@pytest.fixture
def unlike_all(model: Model) -> list[float]:
    """A component like none of the shipped model's: what it likes least, and nothing else."""
    lightest = np.argsort(model.matrix.max(axis=0))[:3]
    component = np.zeros(len(model.interests))
    component[lightest] = 1.0
    return component.tolist()


@pytest.fixture(scope="session")
def models_url(server: Server) -> Iterator[str]:
    """A database of these tests, which register models."""
    with server.database() as made:
        yield made


@pytest.fixture
def url(models_url: str, model: Model) -> str:
    """Its address, when nothing is left in it but the shipped model."""
    sql_on(models_url)(f"{EMPTY}; DELETE FROM clusters; DELETE FROM models")
    services_on(models_url).clusters.register(model)
    return models_url


@pytest.fixture
def services(url: str) -> Services:
    """The services on that database."""
    return services_on(url)


def services_on(url: str) -> Services:
    app = create_app(Settings(app_env="testing", database_url=psycopg2_url(url)))
    built: Services = app.extensions["nomad_rooms"]
    return built
