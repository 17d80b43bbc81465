"""Fixtures: models that succeed the shipped one, and a database to register them in."""

import functools
from collections.abc import Iterator

import numpy as np
import pytest

from app import create_app
from app.config import Settings, psycopg2_url
from app.services import Services
from model.predict import Model
from tests.support.databases import DELETE_ALL, Server, sql_on
from tests.support.models import MakeModel, derive_model


@pytest.fixture
def make_model(model: Model) -> MakeModel:
    """Make a model with the shipped model's components, except those passed as `c<number>`."""
    return functools.partial(derive_model, model)


@pytest.fixture
def unlike_all(model: Model) -> list[float]:
    """A component unlike all of the shipped model's: only the three lightest interests."""
    lightest = np.argsort(model.matrix.max(axis=0))[:3]
    component = np.zeros(len(model.interests))
    component[lightest] = 1.0
    return component.tolist()


@pytest.fixture(scope="session")
def models_url(server: Server) -> Iterator[str]:
    """A database for these tests, which register models."""
    with server.database() as url:
        yield url


@pytest.fixture
def url(models_url: str, model: Model) -> str:
    """The URL of that database, emptied except for the shipped model."""
    sql_on(models_url)(f"{DELETE_ALL}; DELETE FROM clusters; DELETE FROM models")
    services_on(models_url).clusters.register(model)
    return models_url


@pytest.fixture
def services(url: str) -> Services:
    """The services on that database."""
    return services_on(url)


def services_on(url: str) -> Services:
    app = create_app(Settings(app_env="testing", database_url=psycopg2_url(url)))
    services: Services = app.extensions["nomad_rooms"]
    return services
