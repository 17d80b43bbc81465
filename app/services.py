"""The services of one application, and the accessor that views and commands use."""

from dataclasses import dataclass

from flask import current_app

from app.assignment import Assigner
from app.domain.cities.autocomplete import Autocomplete
from app.domain.cities.repository import Cities
from app.domain.clusters.repository import Clusters
from app.domain.members.repository import Members
from app.domain.members.room_members import RoomMembers
from app.domain.rooms.city_counts import CityCounts
from app.domain.rooms.repository import Rooms
from app.domain.schema.readiness import Readiness
from app.infra.database import Database
from model.predict import Model

EXTENSION = "nomad_rooms"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that views and commands call."""

    database: Database
    model: Model
    cities: Cities
    autocomplete: Autocomplete
    rooms: Rooms
    city_counts: CityCounts
    members: Members
    room_members: RoomMembers
    clusters: Clusters
    assigner: Assigner
    readiness: Readiness


def build_services(database: Database, model: Model, default_country: str) -> Services:
    """Return the services of one database and one model."""
    cities, rooms, members = Cities(database, default_country), Rooms(database), Members(database)
    autocomplete = Autocomplete(database, default_country)
    return Services(
        database=database,
        model=model,
        cities=cities,
        autocomplete=autocomplete,
        rooms=rooms,
        city_counts=CityCounts(database),
        members=members,
        room_members=RoomMembers(database, rooms),
        clusters=Clusters(database),
        assigner=Assigner(model, cities, autocomplete, rooms, members),
        readiness=Readiness(database, model.id),
    )


def services() -> Services:
    """Return the services of the current application; needs an application context."""
    built: Services = current_app.extensions[EXTENSION]
    return built
