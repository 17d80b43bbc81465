"""Imports every table, which fills the metadata for migrations and their checks."""

from app.domain.analytics.tables import AnalyticsSettings, Interest
from app.domain.cities.tables import City, CityName, Gazetteer, PlaceName
from app.domain.clusters.tables import Cluster, RegisteredModel
from app.domain.members.tables import Membership
from app.domain.moves.tables import RoomChange
from app.domain.rooms.tables import Room, RoomRedirect
from app.domain.runs.tables import AdminRun

__all__ = [
    "AdminRun",
    "AnalyticsSettings",
    "City",
    "CityName",
    "Cluster",
    "Gazetteer",
    "Interest",
    "Membership",
    "PlaceName",
    "RegisteredModel",
    "Room",
    "RoomChange",
    "RoomRedirect",
]
