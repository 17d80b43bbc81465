"""The parts of one application, built once and handed to whoever speaks for them."""

from dataclasses import dataclass

from app.assignment import Assigner
from app.cities.service import Cities
from app.cities.suggesting import Suggestions
from app.clusters.service import Clusters
from app.db import Database
from app.members.service import Members
from app.readiness import Readiness
from app.rooms.service import Rooms
from model.predict import Model


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes and commands call."""

    database: Database
    model: Model
    cities: Cities
    suggestions: Suggestions
    rooms: Rooms
    members: Members
    clusters: Clusters
    assigner: Assigner
    readiness: Readiness


def build(database: Database, model: Model, default_country: str) -> Services:
    """Wire the services over one database and one model."""
    cities, rooms, members = Cities(database, default_country), Rooms(database), Members(database)
    return Services(
        database,
        model,
        cities,
        Suggestions(database, default_country),
        rooms,
        members,
        Clusters(database),
        Assigner(model, cities, rooms, members),
        Readiness(database, model.id),
    )
