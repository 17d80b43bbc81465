"""HTML pages: the form, the map, the API's documentation."""

from flask import Flask

from app.pages.docs import routes as docs
from app.pages.form import routes as form
from app.pages.map import routes as map_


def register(app: Flask) -> None:
    """Add the pages' routes to an application."""
    for module in (docs, form, map_):
        app.register_blueprint(module.blueprint)
