"""A Postgres of one's own for development and tests, from a pip-installed wheel.

`join` starts the server of an instance directory or joins the one that lives there, and a
supervisor stops it when the last process that joined is gone, however it went.
"""

import pathlib
import sys

from local_postgres.errors import PostgresUnavailable

__all__ = ["PostgresUnavailable", "join"]


def join(instance: pathlib.Path, database: str = "nomad_rooms") -> str:
    """Make the calling process a user of the instance's Postgres; return the database's URL.

    The server lives at least as long as this process and its forked children, and keeps its
    data in `instance/pg/data`. A database that is not there is created. Calling again, for
    another database or the same, costs one connection.

    The URL is libpq's, `postgresql://postgres@/nomad_rooms?host=/tmp/nomad-rooms-…&port=5432`.
    SQLAlchemy 2.1 takes `postgresql://` for psycopg 3: say `postgresql+psycopg2://` to it.

    Raises PostgresUnavailable when there can be no server here, with a message that says why:
    unsupported platform, wheel not installed, unusable path, a foreign socket directory, or a
    server that did not come up (with the end of its log).
    """
    # Imported here because flock, which everything below stands on, does not exist on Windows:
    # there even `from local_postgres import PostgresUnavailable` would fail.
    if sys.platform not in ("linux", "darwin"):
        raise PostgresUnavailable(
            f"The embedded Postgres runs on Linux and macOS, not on {sys.platform}: "
            "set DATABASE_URL to a Postgres of your own."
        )
    from local_postgres.server import join_server

    return join_server(instance, database)
