"""One line for each exception that an admin can do something about."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def error_message(error: Exception) -> str:
    """Return one line for an expected exception. Raises any other again, with its traceback."""
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    from app.config import ConfigurationError
    from app.infra.database import Conflict, DatabaseUnavailable, NotRegistered
    from local_postgres import PostgresUnavailable
    from model.artifact import ArtifactError

    if isinstance(error, ConfigurationError):
        return "cannot start: " + "; ".join(error.errors)
    if isinstance(error, DatabaseUnavailable):
        if _is_disk_full(error):
            return "the disk of the database is full; free some space, then run it again"
        return f"the database cannot be reached ({error}); is DATABASE_URL right, and is it up?"
    if isinstance(error, Conflict):
        return f"another command or a join changed the same rows ({error}); run it again"
    if isinstance(error, NotRegistered):
        return f"the model is not registered ({error}); run `manage.py model register`"
    # COPY and roles need a raw cursor, which raises psycopg2's own errors.
    if isinstance(error, DBAPIError | psycopg2.Error):
        message = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return f"the database refused the statement: {message}"
    if isinstance(error, PostgresUnavailable | ArtifactError):
        return str(error)
    if isinstance(error, PermissionError):
        return f"{error.filename} belongs to another user (root with sudo?), or cannot be changed"
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return f"the disk is full: {error.strerror}"
    raise error


def _is_disk_full(error: BaseException | None) -> bool:
    from psycopg2.errors import DiskFull

    while error and not isinstance(error, DiskFull):
        error = getattr(error, "orig", None) or error.__cause__
    return error is not None
