"""Bring a database to this release.

Releases roll back by running an older one, whose release phase meets a schema that a newer one
made: as migrations only add, that is a schema to serve from, and it is left as it is.
"""

import re

import click
import flask_migrate
from alembic.migration import MigrationContext

from app.analytics.publishing import publish
from app.db import Database
from app.readiness import schema_head

NUMBERED = re.compile(r"[0-9]{4}").fullmatch


def upgrade(database: Database, min_group: int, revision: str = "head") -> None:
    """Migrate, and write down what views cannot read from the environment (see publish).

    A schema that is newer than this code is kept, and a line on stderr says so. Needs an
    application context. Raises DatabaseUnavailable.
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
    publish(database, min_group)


def newer_revision(database: Database) -> str | None:
    """The database's revision when it is past what this code brings, else None.

    Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    # Anything else that is unknown is some other application's, or a mistake.
    numbered = [head for head in heads if NUMBERED(head) and head > schema_head()]
    return numbered[0] if len(numbered) == len(heads) == 1 else None
