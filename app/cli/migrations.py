"""Migrates a database to this release.

A rollback runs an older release, whose release phase finds the schema of a newer one. Migrations
are backward compatible, so that schema can be served and is left as it is.
"""

import re

import click
import flask_migrate
from alembic.migration import MigrationContext
from flask import Flask

from app.config import ROOT, Settings
from app.domain.analytics.view_settings import write_settings
from app.domain.schema.readiness import schema_head
from app.factory import create_cli_app
from app.infra.database import Database
from app.infra.orm import db

is_revision_number = re.compile(r"[0-9]{4}").fullmatch


def create_migrating_app(settings: Settings | None = None) -> Flask:
    """Return an application for Flask-Migrate. See app.factory.create_cli_app."""
    app = create_cli_app(settings)
    flask_migrate.Migrate(app, db, directory=str(ROOT / "migrations"))
    return app


def upgrade(database: Database, min_group: int, revision: str = "head") -> None:
    """Migrate, and write the settings that views cannot read from the environment.

    A schema newer than this code is kept, with a warning on stderr. Needs an application context.
    Raises DatabaseUnavailable.
    """
    newer = newer_revision(database)
    if newer and revision == "head":
        click.echo(
            f"Warning: the schema is at {newer}, newer than this release's {schema_head()}, as "
            "after a rollback: nothing was changed.",
            err=True,
        )
    else:
        flask_migrate.upgrade(revision=revision)
    write_settings(database, min_group)


def newer_revision(database: Database) -> str | None:
    """Return the database's revision if it is newer than this code's, else None.

    Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    # Any other unknown revision is another application's, or a mistake.
    numbered = [head for head in heads if is_revision_number(head) and head > schema_head()]
    return numbered[0] if len(numbered) == len(heads) == 1 else None
