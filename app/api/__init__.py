"""The HTTP API: JSON in, JSON out."""

from apiflask import APIFlask

from app.api import auth, cities, clusters, errors, health, metrics, openapi, rooms, users
from app.config import Settings


def register(app: APIFlask, settings: Settings) -> None:
    """Add the API's routes, key check, error handlers and OpenAPI document to an application."""
    auth.require_keys(app, settings)
    errors.register(app)
    for module in (rooms, users, clusters, cities, health):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(metrics.blueprint)
    openapi.describe(app)
