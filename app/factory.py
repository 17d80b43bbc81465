"""Wires the parts of the application, and does nothing else."""

from apiflask import APIFlask
from flask_cors import CORS

from app.cities import routes as cities
from app.clusters import routes as clusters
from app.config import Settings, read_environment
from app.core import install
from app.current import EXTENSION
from app.limits import LARGEST_BODY
from app.members import routes as members
from app.metrics import MODEL
from app.rooms import routes as rooms
from app.rooms.map import routes as rooms_map
from app.web import auth, docs, errors, health, metrics, observe
from app.web.application import Application
from app.web.json import OrjsonProvider
from app.web.page import routes as page


def build_app(settings: Settings | None = None) -> APIFlask:
    """See app.create_app."""
    settings = settings or read_environment()
    app = Application(
        "app", title="Nomad Rooms", version="1.0.0", json_errors=False, docs_path=None
    )
    app.json = OrjsonProvider(app)
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=True,
        AUTO_404_RESPONSE=False,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    install(app, settings)
    observe.observe(app)
    auth.require_keys(app, settings)
    errors.register(app)
    for part in (rooms, members, clusters, cities, health):
        app.register_blueprint(part.blueprint)
    for unlisted in (metrics, docs, page, rooms_map):
        app.register_blueprint(unlisted.blueprint)
    docs.describe(app)
    MODEL.labels(app.extensions[EXTENSION].model.id).set(1)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    return app
