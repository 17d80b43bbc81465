"""`manage.py db`: Flask-Migrate's commands, on our application, and `distribute`.

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
from app.analytics.publishing import publish
from app.cli import changing, confirm, json_option, print_json, print_table, progress_bar, with_app
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
    done = ctx.invoke(upgrade, **options)
    if not options["sql"]:
        # Views cannot read the environment: every release writes down what they must know of it.
        engine = current_app.extensions["migrate"].db.engine
        publish(Database(engine), read_environment().analytics_min_group)
    return done


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


@click.command()
@changing
@json_option
@with_app
def distribute(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Spread the database over Citus' nodes: members by their id, the rest on each."""
    from app import distributing
    from app.current import services
    from app.runs.service import recorded

    database = services().database
    try:
        steps = distributing.plan(database)
    except distributing.CannotDistribute as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(steps)
    else:
        rows = [(step.table, step.rows, step.how) for step in steps]
        print_table(("table", "rows", "how"), rows, empty="Everything is distributed.")
    if dry_run or not steps:
        return
    confirm(f"Distribute {len(steps)} tables? Writes to each wait while it is copied.", yes)
    with recorded(database, "db distribute", {}) as run, progress_bar() as progress:
        distributing.distribute(database, steps, progress)
        run.count("tables", len(steps))


db.add_command(distribute)
