"""An embedded Postgres for development and tests, from a pip-installed wheel.

`join` starts the server of an instance directory, or joins the one that is running. A supervisor
stops the server when the last process that joined has ended, in whatever way it ended.
"""

import pathlib
import sys

from local_postgres.errors import PostgresUnavailable

__all__ = ["PostgresUnavailable", "join"]


def join(instance: pathlib.Path, database: str = "nomad_rooms") -> str:
    """Register the calling process as a user of the instance's server; return the database's URL.

    The server runs at least as long as this process and its forked children, and keeps its data
    in `instance/pg/data`. A missing database is created. Further calls, for the same or another
    database, cost one connection each.

    The URL is libpq's, `postgresql://postgres@/nomad_rooms?host=/tmp/nomad-rooms-…&port=5432`;
    SQLAlchemy needs the driver too, `postgresql+psycopg2://`.

    Raises PostgresUnavailable, with the reason: unsupported platform, wheel not installed,
    unusable path, socket directory of another user, or a server that did not start (with the end
    of its log).
    """
    # fcntl does not exist on Windows: at the top of the module this import would make even
    # `from local_postgres import PostgresUnavailable` fail there.
    if sys.platform not in ("linux", "darwin"):
        raise PostgresUnavailable(
            f"The embedded Postgres runs on Linux and macOS, not on {sys.platform}: "
            "set DATABASE_URL to an existing Postgres."
        )
    from local_postgres.server import join_server

    return join_server(instance, database)
