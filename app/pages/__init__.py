"""HTML pages: the form, the map, the API's documentation."""

from flask import Flask

from app.pages.docs import routes as docs
from app.pages.form import routes as form
from app.pages.map import routes as map_
from app.pages.site import routes as site


def register(app: Flask) -> None:
    """Add the pages' routes to an application."""
    for module in (docs, form, map_, site):
        app.register_blueprint(module.blueprint)
    site.finish_all_responses(app)
