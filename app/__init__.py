"""Nomad Rooms: finds the chat room for a user's city and interests."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.config import Settings


def create_app(settings: "Settings | None" = None) -> "APIFlask":
    """Return the web application; None reads the settings from the environment.

    Raises ConfigurationError, ArtifactError, PostgresUnavailable.
    """
    # A top-level import would load Flask for every module of the package.
    from app.factory import create_web_app

    return create_web_app(settings)
