"""The schema of a database, to compare before and after a migration."""

from typing import Any

import sqlalchemy

from app.config import psycopg2_url


def dump(url: str) -> dict[str, str]:
    """Return the definitions of all tables and views by name, with their comments."""
    engine = sqlalchemy.create_engine(psycopg2_url(url))
    inspector = sqlalchemy.inspect(engine)
    relations: dict[str, Any] = {
        name: (inspector.get_columns(name), inspector.get_indexes(name))
        for name in inspector.get_table_names()
    }
    relations |= {
        name: inspector.get_view_definition(name)
        for name in inspector.get_view_names()
        if not name.startswith("citus_")  # of the extension
    }
    relations |= {
        f"analytics.{name}": (
            inspector.get_columns(name, "analytics"),
            inspector.get_view_definition(name, "analytics"),
            inspector.get_table_comment(name, "analytics"),
        )
        for name in inspector.get_view_names("analytics")
    }
    engine.dispose()
    return {
        name: str(definition) for name, definition in relations.items() if name != "alembic_version"
    }
