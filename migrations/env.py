"""Alembic's entry: the application's own engine and tables, one transaction for each revision."""

import sys

import sqlalchemy as sa
from alembic import context
from flask import current_app

import app.domain.schema.tables  # noqa: F401  (autogenerate compares what was imported)
from app.infra.database import db

# A request's time limit is no measure for building an index. The engine's lock_timeout stays:
# requests queue behind whoever waits for a table.
NO_TIME_LIMIT = sa.text("SET statement_timeout = 0")


def write() -> None:
    """The revisions' SQL on standard output, with no database: `manage.py db upgrade --sql`."""
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        transaction_per_migration=True,
        output_buffer=sys.stdout,
    )
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        connection.execute(NO_TIME_LIMIT)
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    write()
else:
    run()
