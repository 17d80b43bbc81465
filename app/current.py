"""The services of the application that a request or a command belongs to."""

from flask import current_app

from app.services import Services

EXTENSION = "nomad_rooms"


def services() -> Services:
    """What the factory built; needs an application context."""
    built: Services = current_app.extensions[EXTENSION]
    return built
