"""The one exception of this package."""


class EmbeddedUnavailable(RuntimeError):
    """There can be no embedded Postgres here; the message says why and what to do."""
