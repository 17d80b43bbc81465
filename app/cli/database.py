"""`manage.py db`: Flask-Migrate's commands, with another `upgrade`, and `distribute`.

Alembic is slow to import, so a command imports it only when it runs, and --help stays instant.
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
    """Set the application of Flask-Migrate's commands, which would look for it by file name."""
    from flask.cli import ScriptInfo

    ctx.obj = ScriptInfo(create_app=_create_app)


def _create_app() -> Any:
    from flask import appcontext_pushed

    from app.cli.migrations import create_migrating_app

    app = create_migrating_app()
    appcontext_pushed.connect(_set_migrate_options, app)
    return app


def _set_migrate_options(app: Any, **_: Any) -> None:
    """Set the options of Flask-Migrate's own command group, which `group` replaces."""
    from flask import g

    g.directory, g.x_arg = None, ()


def _flask_migrate(name: str) -> str:
    return f"flask_migrate.cli:{name}"


group = LazyGroup(
    "db",
    help="The database's schema: upgrade, check, distribute.",
    callback=use_application,
    lazy_commands={
        "check": (_flask_migrate("check"), "Compare the tables' code with the schema."),
        "current": (_flask_migrate("current"), "Show the database's revision."),
        "distribute": (f"{__name__}:distribute", "Distribute the tables over Citus nodes."),
        "downgrade": (_flask_migrate("downgrade"), "Downgrade to an older revision."),
        "heads": (_flask_migrate("heads"), "Show the newest revision of this release."),
        "history": (_flask_migrate("history"), "List all revisions."),
        "migrate": (_flask_migrate("migrate"), "Generate a migration from the tables' code."),
        "revision": (_flask_migrate("revision"), "Create an empty migration."),
        "show": (_flask_migrate("show"), "Show one revision."),
        "stamp": (_flask_migrate("stamp"), "Set the database's revision without migrating."),
        "upgrade": (f"{__name__}:upgrade", "Migrate the database to this release."),
    },
)


@click.command()
@click.option("--sql", is_flag=True, help="Print the statements; no database is used.")
@click.argument("revision", default="head")
@click.pass_obj
def upgrade(application: Any, revision: str, sql: bool) -> None:
    """Migrate the database to this release, or to REVISION (with --sql also FROM:TO).

    A schema that is newer than this release is kept: migrations are backward compatible.
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
@click.option("--force", is_flag=True, help="Distribute even while the service is connected.")
@with_app
def distribute(dry_run: bool, yes: bool, as_json: bool, force: bool) -> None:
    """Distribute the tables over Citus nodes: members by user id, all others whole on each node.

    Stop the web processes first. If the command is interrupted, run it again.
    """
    from app.domain.runs.admin_runs import record_run
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
    if not force:
        try:
            distribution.require_no_other_sessions(database)
        except distribution.CannotDistribute as error:
            raise click.ClickException(str(error)) from error
    confirm(f"Distribute {len(steps)} tables? Each is locked for writes while it is copied.", yes)
    with record_run(database, "db distribute", {}) as run, progress_bar() as progress:
        distribution.distribute(database, steps, progress)
        run.count("tables", len(steps))
