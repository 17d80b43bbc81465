"""Roles that can read the views of the schema analytics, and nothing else."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import encrypt_password

from app.domain.analytics import roles
from app.domain.analytics.roles import (
    CannotGrant,
    CannotRevoke,
    Cursor,
    Role,
    refuse_unfit,
    refuse_unknown,
)
from app.infra.database import Database

# A session may set these anew: they are for those who mean well. The connection limit is not.
SETTINGS = {
    "search_path": "analytics",
    "default_transaction_read_only": "on",
    # A transaction left open keeps the service's dead rows from being cleared away.
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "3s",
    # Compiling takes longer than what it saves here.
    "jit": "off",
}
# Only a superuser may set it, and then it holds: sorting more than this stops the query, not us.
DISK = {"temp_file_limit": "1GB"}


@dataclass(frozen=True, slots=True)
class Granted:
    """What came of a grant. `password`: the new one, if one was made. `unset`: why limits could not
    be set. `left_open`: what everybody may do on this server, the role too."""

    views: int
    password: str | None
    unset: str | None
    left_open: list[str]


VIEWS = "SELECT count(*) FROM pg_views WHERE schemaname = 'analytics'"
# What PostgreSQL lets everybody do, and only a superuser, or the database's owner, can forbid.
CLOSE = (
    "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
)
FUNCTIONS = """
    SELECT 'REVOKE EXECUTE ON FUNCTION ' || oid::regprocedure || ' FROM PUBLIC'
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname LIKE 'pg\\_advisory%' OR proname LIKE 'pg\\_try\\_advisory%'
           OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message'))
      AND has_function_privilege('public', oid, 'EXECUTE')
      AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""
LEFT_OPEN = """
    SELECT told
    FROM (VALUES
        ('temporary tables', has_database_privilege(%(role)s, current_database(), 'TEMP')),
        ('tables of its own', has_schema_privilege(%(role)s, 'public', 'CREATE')
             OR has_database_privilege(%(role)s, current_database(), 'CREATE')),
        ('temporary files of any size', NOT EXISTS (
            SELECT 1 FROM pg_db_role_setting AS settings
            JOIN pg_roles AS role ON role.oid = settings.setrole
            WHERE rolname = %(role)s AND array_to_string(setconfig, ' ') LIKE '%%temp_file_limit%%'
        ))
    ) AS power (told, is_open)
    WHERE is_open
    UNION ALL
    SELECT told
    FROM (VALUES
        ('large objects', 'lo_create'),
        ('advisory locks', 'pg_advisory_lock'),
        ('messages in the write-ahead log', 'pg_logical_emit_message')
    ) AS power (told, name)
    WHERE EXISTS (SELECT 1 FROM pg_proc WHERE proname = name
                  AND pronamespace = 'pg_catalog'::regnamespace
                  AND has_function_privilege(%(role)s, oid, 'EXECUTE'))
"""
SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %(role)s"


def look(database: Database, role: str) -> Role:
    """What there is of a role.

    Raises DatabaseUnavailable.
    """
    with _cursor(database) as cursor:
        return roles.look(cursor, role)


def grant(
    database: Database, role: str, connections: int, timeout_s: int, new_password: bool
) -> Granted:
    """Let a role read the views and nothing else; made, with a password, if it is not there.

    Raises CannotGrant, DatabaseUnavailable.
    """
    with _cursor(database) as cursor:
        found = roles.look(cursor, role)
        refuse_unfit(found)
        cursor.execute(VIEWS)
        ((views,),) = cursor.fetchall()
        if not views:
            raise CannotGrant("the views are not there yet: run `manage.py db upgrade`")
        password = None
        if not found.exists or new_password:
            password = _set_password(cursor, found)
        for statement in (
            "GRANT USAGE ON SCHEMA analytics TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO {role}",
            # Views that the next release brings, too.
            "ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO {role}",
            "GRANT CONNECT ON DATABASE {database} TO {role}",
        ):
            _run(cursor, statement, role)
        unset = _limit(cursor, role, connections, timeout_s)
        for statement in CLOSE:
            _try(cursor, statement, role)
        cursor.execute(FUNCTIONS)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        if powers := roles.look(cursor, role).powers:
            raise CannotGrant(f"everybody on this database {'; '.join(powers)}: take that away")
        cursor.execute(LEFT_OPEN, {"role": role})
        left_open = [told for (told,) in cursor.fetchall()]
    return Granted(views, password, unset, left_open)


def revoke(database: Database, role: str) -> bool:
    """Take the right away and end the role's sessions; True when the role itself was dropped,
    which only happens to those that `grant` made.

    Raises CannotRevoke, DatabaseUnavailable.
    """
    with _cursor(database) as cursor:
        found = roles.look(cursor, role)
        refuse_unknown(found)
        if not found.is_ours:
            for statement in (
                "ALTER DEFAULT PRIVILEGES IN SCHEMA analytics REVOKE SELECT ON TABLES FROM {role}",
                "REVOKE ALL ON ALL TABLES IN SCHEMA analytics FROM {role}",
                "REVOKE ALL ON SCHEMA analytics FROM {role}",
                "REVOKE CONNECT ON DATABASE {database} FROM {role}",
            ):
                _run(cursor, statement, role)
            return False
        # A member may end its sessions and drop what it left, such as large objects.
        _run(cursor, "GRANT {role} TO CURRENT_USER", role)
        cursor.execute(SESSIONS, {"role": role})
        _run(cursor, "DROP OWNED BY {role}", role)
        try:
            _run(cursor, "DROP ROLE {role}", role)
        except errors.DependentObjectsStillExist as error:
            raise CannotRevoke(
                f"{role} has rights in other databases of this server: take those away first"
            ) from error
    return True


@contextmanager
def _cursor(database: Database) -> Iterator[Cursor]:
    """One transaction: a role is complete, or not there at all."""
    with database.transaction() as connection:
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            yield cursor


def _set_password(cursor: Cursor, role: Role) -> str:
    """A new one, sent as its SCRAM verifier: the server's log may hold the statement."""
    password = secrets.token_urlsafe(24)
    verifier = encrypt_password(password, role.name, cursor.connection, "scram-sha-256")
    verb = "ALTER" if role.exists else "CREATE"
    try:
        _run(cursor, verb + " ROLE {role} LOGIN PASSWORD {password}", role.name, verifier)
        if not role.exists:
            _run(cursor, "COMMENT ON ROLE {role} IS {mark}", role.name)
    except errors.InsufficientPrivilege as error:
        raise CannotGrant(
            f"the database's user may not set a password for {role.name}: whoever made the role"
            " must (on Heroku `heroku pg:credentials:rotate`)"
        ) from error
    return password


def _limit(cursor: Cursor, role: str, connections: int, timeout_s: int) -> str | None:
    """Set the role's limits; None, or why that is for somebody else to do."""
    settings = SETTINGS | {"statement_timeout": f"{timeout_s}s"}
    statements = [f"ALTER ROLE {{role}} CONNECTION LIMIT {connections}"]
    statements += [f"ALTER ROLE {{role}} SET {name} = '{v}'" for name, v in settings.items()]
    if all(_try(cursor, statement, role) for statement in statements):
        for name, value in DISK.items():
            _try(cursor, f"ALTER ROLE {{role}} SET {name} = '{value}'", role)
        return None
    return "the database's user did not make this role, and may not limit it"


def _try(cursor: Cursor, statement: str, role: str) -> bool:
    """Run a statement that some platforms do not allow; whether it was."""
    cursor.execute("SAVEPOINT attempt")
    try:
        _run(cursor, statement, role)
    except (errors.InsufficientPrivilege, errors.ReservedName):
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
        return False
    cursor.execute("RELEASE SAVEPOINT attempt")
    return True


def _run(cursor: Cursor, statement: str, role: str, password: str = "") -> None:
    cursor.execute(
        sql.SQL(statement).format(
            role=sql.Identifier(role),
            database=sql.Identifier(cursor.connection.info.dbname),
            password=sql.Literal(password),
            mark=sql.Literal(roles.mark(cursor)),
        )
    )
