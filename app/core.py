"""What every application needs, whoever speaks to it: the database and the services over it."""

from flask import Flask

from app.config import INSTANCE, Settings, read_environment, with_driver
from app.current import EXTENSION
from app.db import Database, db, engine_options
from app.services import build
from model import artifact


def install(app: Flask, settings: Settings, *, for_commands: bool = False) -> None:
    """Give an application its engine and its services.

    Raises ArtifactError, EmbeddedUnavailable.
    """
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url or _embedded_database(),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.pool_size, for_commands=for_commands),
    )
    db.init_app(app)
    # It would close at each request's end the session that none of us opens.
    app.teardown_appcontext_funcs.clear()
    with app.app_context():
        database = Database(db.engine, settings.pool_size, prepares=settings.prepares)
        app.extensions[EXTENSION] = build(database, artifact.load(), settings.default_country)


def command_app(settings: Settings | None = None) -> Flask:
    """An application for manage.py: no routes, and so half the time to start.

    It goes past the pooler, if there is one: commands hold sessions, which a pooler may not.
    Raises ConfigurationError, ArtifactError, EmbeddedUnavailable.
    """
    settings = (settings or read_environment()).past_pooler()
    app = Flask("app")
    install(app, settings, for_commands=True)
    return app


def _embedded_database() -> str:
    # Imported here: production has neither the need nor the package.
    from app.embedded import join

    return with_driver(join(INSTANCE))
