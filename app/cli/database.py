"""`manage.py db`: Flask-Migrate's commands on our application, an `upgrade` of ours, `distribute`.

Alembic takes longer to import than a page of help may take: no command does before it runs.
"""

from typing import Any

import click

from app.cli.common import (
    LazyGroup,
    changing,
    confirm,
    json_option,
    print_json,
    print_table,
    progress_bar,
    with_app,
)


@click.pass_context
def use_application(ctx: click.Context) -> None:
    """Give Flask-Migrate's commands our application, which they would look for by file name."""
    from flask.cli import ScriptInfo

    ctx.obj = ScriptInfo(create_app=_create_app)


def _create_app() -> Any:
    from flask import appcontext_pushed

    from app.cli.migrations import create_migrating_app

    app = create_migrating_app()
    appcontext_pushed.connect(_set_migrate_options, app)
    return app


def _set_migrate_options(app: Any, **_: Any) -> None:
    """Set the options of Flask-Migrate's own command group, which ours replaces."""
    from flask import g

    g.directory, g.x_arg = None, ()


def _flask_migrate(name: str) -> str:
    return f"flask_migrate.cli:{name}"


group = LazyGroup(
    "db",
    help="Bring the database's schema up to date, or look where it stands.",
    callback=use_application,
    parts={
        "check": (_flask_migrate("check"), "Whether tables and migrations say the same."),
        "current": (_flask_migrate("current"), "The revision that the database is at."),
        "distribute": (f"{__name__}:distribute", "Spread the database over Citus' nodes."),
        "downgrade": (_flask_migrate("downgrade"), "Go back to an older revision."),
        "heads": (_flask_migrate("heads"), "The revision that this release brings."),
        "history": (_flask_migrate("history"), "All revisions."),
        "migrate": (_flask_migrate("migrate"), "Write a migration from what the tables say."),
        "revision": (_flask_migrate("revision"), "Write an empty migration."),
        "show": (_flask_migrate("show"), "One revision."),
        "stamp": (_flask_migrate("stamp"), "Say that the database is at a revision."),
        "upgrade": (f"{__name__}:upgrade", "Bring the database to this release."),
    },
)


@click.command()
@click.option("--sql", is_flag=True, help="Print the statements and ask no database.")
@click.argument("revision", default="head")
@click.pass_obj
def upgrade(application: Any, revision: str, sql: bool) -> None:
    """Bring the database to this release's schema, or to REVISION (two with a colon: --sql only).

    A schema that a newer release made is kept: migrations only add.
    """
    import flask_migrate

    from app.cli import migrations
    from app.config import read_environment
    from app.services import services

    with application.load_app().app_context():
        if sql:
            flask_migrate.upgrade(revision=revision, sql=True)
        else:
            migrations.upgrade(
                services().database, read_environment().analytics_min_group, revision
            )


@click.command()
@changing
@json_option
@with_app
def distribute(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Spread the database over Citus' nodes: members by their id, the rest on each."""
    from app.domain.runs.admin_runs import recorded
    from app.domain.schema import distribution
    from app.services import services

    database = services().database
    try:
        steps = distribution.plan(database)
    except distribution.CannotDistribute as error:
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
        distribution.distribute(database, steps, progress)
        run.count("tables", len(steps))
