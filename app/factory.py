"""Wires the parts of the application, and does nothing else."""

from apiflask import APIFlask
from flask_cors import CORS
from flask_migrate import Migrate

from app.cities import routes as cities
from app.clusters import routes as clusters
from app.config import INSTANCE, ROOT, Settings, read_environment, with_driver
from app.current import EXTENSION
from app.db import db, engine_options
from app.members import routes as members
from app.metrics import MODEL
from app.rooms import routes as rooms
from app.services import build
from app.web import auth, docs, errors, health, metrics, observe
from app.web.json import OrjsonProvider
from model import artifact

LARGEST_BODY = 16 * 1024


def build_app(settings: Settings | None = None) -> APIFlask:
    """See app.create_app."""
    settings = settings or read_environment()
    app = APIFlask("app", title="Nomad Rooms", version="1.0.0", json_errors=False, docs_path=None)
    app.json = OrjsonProvider(app)
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=True,
        AUTO_404_RESPONSE=False,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SQLALCHEMY_DATABASE_URI=settings.database_url or _embedded_database(),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.pool_size),
    )
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        app.extensions[EXTENSION] = build(db.engine, artifact.load(), settings.default_country)
    observe.observe(app)
    auth.require_keys(app, settings)
    errors.register(app)
    for part in (rooms, members, clusters, cities, health):
        app.register_blueprint(part.blueprint)
    for page in (metrics.blueprint, docs.blueprint):
        app.register_blueprint(page)
    docs.describe(app)
    MODEL.labels(app.extensions[EXTENSION].model.id).set(1)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    return app


def _embedded_database() -> str:
    # Imported here: production has neither the need nor the package.
    from app.embedded import join

    return with_driver(join(INSTANCE))
