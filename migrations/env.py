"""Alembic's entry point: uses the application's engine, one transaction for each revision."""

import sys

import sqlalchemy as sa
from alembic import context
from flask import current_app

import app.domain.schema.tables  # noqa: F401  (autogenerate compares what was imported)
from app.infra.orm import db

# Building an index may take longer than a request's timeout. The engine's lock_timeout stays,
# because requests queue behind a statement that waits for a table lock.
NO_TIME_LIMIT = sa.text("SET statement_timeout = 0")


def run_offline() -> None:
    """Write the revisions' SQL to standard output (`manage.py db upgrade --sql`)."""
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        transaction_per_migration=True,
        output_buffer=sys.stdout,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    # The engine's own connections commit each statement by itself.
    engine = db.engine.execution_options(isolation_level="READ COMMITTED")
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
    run_offline()
else:
    run_online()
