"""`manage.py db`: Flask-Migrate's commands, on our application."""

from typing import Any

import click
from flask.cli import ScriptInfo
from flask_migrate.cli import db

from app import create_app

enter = db.callback


@click.pass_context
def enter_with_app(ctx: click.Context, /, **options: Any) -> Any:
    # Flask would look for an application by file name; ours is told.
    ctx.obj = ScriptInfo(create_app=create_app)
    return ctx.invoke(enter, **options)


db.callback = enter_with_app
