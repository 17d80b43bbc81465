"""The one exception of this package."""


class PostgresUnavailable(RuntimeError):
    """There can be no embedded Postgres here; the message says why and what to do."""
