"""An application that Flask-Migrate works on; the web's knows nothing of it, nor pays for it."""

from flask import Flask
from flask_migrate import Migrate

from app.config import ROOT, Settings
from app.core import command_app
from app.db import db


def migrating_app(settings: Settings | None = None) -> Flask:
    """See app.core.command_app."""
    app = command_app(settings)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    return app
