"""Every table, for whoever must know them all: migrations and what checks them."""

from app.analytics.tables import AnalyticsSettings, Interest
from app.cities.tables import City, CityName, Gazetteer, PlaceName
from app.clusters.tables import Cluster, RegisteredModel
from app.members.tables import Membership, RoomChange
from app.rooms.tables import Room, RoomRedirect
from app.runs.tables import AdminRun

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
