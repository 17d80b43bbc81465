"""The exception of this package."""


class PostgresUnavailable(RuntimeError):
    """The embedded Postgres cannot run here; the message gives the reason and the remedy."""
