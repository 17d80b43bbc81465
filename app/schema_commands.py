"""`manage.py db`: Flask-Migrate's commands, on our application.

`upgrade` has one case more. Releases roll back by running an older one, whose release phase meets a
schema that a newer one made: as migrations only add, that is a schema to serve from.
"""

import re
from typing import Any

import click
from alembic.migration import MigrationContext
from flask import current_app
from flask.cli import ScriptInfo
from flask_migrate.cli import db

from app import create_app
from app.config import read_environment
from app.db import Database
from app.readiness import schema_head

NUMBERED = re.compile(r"[0-9]{4}").fullmatch

enter = db.callback
upgrade = db.commands["upgrade"].callback


def create_app_of_commands() -> Any:
    """The application past the pooler, if there is one: it may not carry what migrations need."""
    return create_app(read_environment().past_pooler())


@click.pass_context
def enter_with_app(ctx: click.Context, /, **options: Any) -> Any:
    # Flask would look for an application by file name; ours is told.
    ctx.obj = ScriptInfo(create_app=create_app_of_commands)
    return ctx.invoke(enter, **options)


@click.pass_context
def upgrade_unless_newer(ctx: click.Context, /, **options: Any) -> Any:
    if options["revision"] == "head" and not options["sql"] and is_past_this_release():
        return None
    return ctx.invoke(upgrade, **options)


def is_past_this_release() -> bool:
    """Whether the schema is newer than this code's, which a line on stderr then says.

    Raises DatabaseUnavailable.
    """
    newer = newer_revision()
    if newer:
        click.echo(
            f"Warning: the schema is at {newer}, newer than this release's {schema_head()}, as "
            "after a rollback: nothing was changed.",
            err=True,
        )
    return newer is not None


def newer_revision() -> str | None:
    """The database's revision when it is past what this code brings, else None.

    Raises DatabaseUnavailable.
    """
    engine = current_app.extensions["migrate"].db.engine
    with Database(engine).transaction() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    # Anything else that is unknown is some other application's, or a mistake.
    numbered = [head for head in heads if NUMBERED(head) and head > schema_head()]
    return numbered[0] if len(numbered) == len(heads) == 1 else None


db.callback = enter_with_app
db.commands["upgrade"].callback = upgrade_unless_newer
