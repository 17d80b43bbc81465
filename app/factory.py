"""Wires the parts of an application: for the web, and for manage.py."""

from typing import TYPE_CHECKING

from flask import Flask

from app.config import (
    INSTANCE,
    VERSION,
    Settings,
    metrics_directory,
    psycopg2_url,
    read_environment,
)
from app.infra.database import Database, engine_options
from app.infra.http_framing import MAX_BODY_BYTES
from app.infra.orm import db
from app.services import EXTENSION, build_services
from model import artifact

if TYPE_CHECKING:
    from apiflask import APIFlask


def create_web_app(settings: Settings | None = None) -> "APIFlask":
    """Return the application that serves HTTP. See app.create_app."""
    # manage.py starts in half the time without the web's modules.
    from apiflask import APIFlask
    from flask_cors import CORS

    from app import api, pages
    from app.api.json import OrjsonProvider
    from app.infra.metrics import MODEL
    from app.infra.middleware import RequestMiddleware

    settings = settings or read_environment()
    app = APIFlask("app", title="Nomad Rooms", version=VERSION, json_errors=False, docs_path=None)
    app.json = OrjsonProvider(app)
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=True,
        AUTO_404_RESPONSE=False,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        METRICS_DIRECTORY=metrics_directory(),
        CHAT_URL_TEMPLATE=settings.chat_url_template,
    )
    _install_services(app, settings)
    app.wsgi_app = RequestMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    api.register(app, settings)
    pages.register(app)
    MODEL.labels(app.extensions[EXTENSION].model.id).set(1)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    return app


def create_cli_app(settings: Settings | None = None) -> Flask:
    """Return an application without routes, for manage.py.

    It connects past the connection pooler, if there is one: commands need sessions, which a pooler
    in transaction mode does not keep.
    Raises ConfigurationError, ArtifactError, PostgresUnavailable.
    """
    settings = (settings or read_environment()).without_pooler()
    app = Flask("app")
    _install_services(app, settings, for_commands=True)
    return app


def _install_services(app: Flask, settings: Settings, *, for_commands: bool = False) -> None:
    # An import looks cities up while its transaction holds a connection.
    pool_size = max(2, settings.pool_size) if for_commands else settings.pool_size
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url or _local_database_url(),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(pool_size, for_commands=for_commands),
    )
    db.init_app(app)
    with app.app_context():
        database = Database(db.engine, prepare=settings.prepare_statements)
        services = build_services(database, artifact.load(), settings.default_country)
    app.extensions[EXTENSION] = services


def _local_database_url() -> str:
    # Production has neither the need nor the package.
    from local_postgres import join

    return psycopg2_url(join(INSTANCE))
