"""Nomad Rooms: a user's interests and city go in, their room's id comes out."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.config import Settings


def create_app(settings: "Settings | None" = None) -> "APIFlask":
    """The application, wired; None reads the settings from the environment.

    Raises ConfigurationError, ArtifactError, EmbeddedUnavailable.
    """
    from app.factory import build_app

    return build_app(settings)
