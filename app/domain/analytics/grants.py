"""Grants roles the views of the schema analytics and nothing else, and revokes them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import encrypt_password
from psycopg2.extras import NamedTupleCursor
from sqlalchemy.engine import URL

from app.domain.analytics import own_schemas, roles
from app.domain.analytics.roles import CannotGrant, CannotRevoke, Cursor, Role
from app.infra.database import Database

# Defaults that a session may override; only the connection limit is enforced.
ROLE_SETTINGS = {
    "search_path": "analytics",
    "default_transaction_read_only": "on",
    # A transaction left open prevents the vacuum of the service's dead rows.
    "idle_in_transaction_session_timeout": "'60s'",
    "lock_timeout": "'3s'",
    # Compiling takes longer than it saves for these queries.
    "jit": "off",
}
# A role may be another database's analyst too.
SET_DEFAULT = "ALTER ROLE {role} IN DATABASE {database} SET "
RESET_DEFAULTS = "ALTER ROLE {role} IN DATABASE {database} RESET ALL"
# Only a superuser may set this limit, and a session cannot override it.
TEMP_FILE_LIMIT = "ALTER ROLE {role} SET temp_file_limit = '1GB'"
GRANT = (
    "GRANT USAGE ON SCHEMA analytics TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO {role}",
    # The next release may add views.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO {role}",
    "GRANT CONNECT ON DATABASE {database} TO {role}",
)
REVOKE = (
    "ALTER DEFAULT PRIVILEGES IN SCHEMA analytics REVOKE SELECT ON TABLES FROM {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA analytics FROM {role}",
    "REVOKE ALL ON SCHEMA analytics FROM {role}",
    "REVOKE CONNECT ON DATABASE {database} FROM {role}",
)
# PostgreSQL's defaults, which only a superuser or the database's owner can revoke.
REVOKE_FROM_PUBLIC = (
    "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
)
REVOKE_FUNCTIONS = """
    SELECT 'REVOKE EXECUTE ON FUNCTION ' || oid::regprocedure || ' FROM PUBLIC' AS revoke_statement
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname LIKE 'pg\\_advisory%' OR proname LIKE 'pg\\_try\\_advisory%'
           OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message'))
      AND has_function_privilege('public', oid, 'EXECUTE')
      AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""
LEFT_OPEN = """
    SELECT label
    FROM (VALUES
        ('temporary tables', has_database_privilege(%(role)s, current_database(), 'TEMP')),
        ('tables of its own', has_schema_privilege(%(role)s, 'public', 'CREATE')
             OR has_database_privilege(%(role)s, current_database(), 'CREATE')),
        ('temporary files of any size', NOT EXISTS (
            SELECT 1 FROM pg_db_role_setting AS settings
            JOIN pg_roles AS role ON role.oid = settings.setrole
            WHERE rolname = %(role)s AND array_to_string(setconfig, ' ') LIKE '%%temp_file_limit%%'
        ))
    ) AS privilege (label, is_open)
    WHERE is_open
    UNION ALL
    SELECT label
    FROM (VALUES
        ('large objects', 'lo_create'),
        ('advisory locks', 'pg_advisory_lock'),
        ('messages in the write-ahead log', 'pg_logical_emit_message')
    ) AS privilege (label, name)
    WHERE EXISTS (SELECT 1 FROM pg_proc WHERE proname = name
                  AND pronamespace = 'pg_catalog'::regnamespace
                  AND has_function_privilege(%(role)s, oid, 'EXECUTE'))
"""
# Options of a database's URL that an analyst's address has too. The others may hold a password, or
# name files of the server.
SHARED_OPTIONS = ("host", "hostaddr", "port", "dbname", "sslmode", "target_session_attrs")
COUNT_VIEWS = "SELECT count(*) AS views FROM pg_views WHERE schemaname = 'analytics'"
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %(role)s"


@dataclass(frozen=True, slots=True)
class Granted:
    """The result of a grant: `views` is their number, and `password` a new one or None.

    `schema`: the role's own, or None. `unset`: why the limits could not be set, or None, and
    `to_run`: statements by which the role itself sets them, but for the number of connections.
    `left_open`: privileges that the role has because every role of this server has them.
    """

    views: int
    password: str | None
    schema: str | None
    unset: str | None
    to_run: list[str]
    left_open: list[str]


def find_role(database: Database, name: str) -> Role:
    """Return a role of the server, or one that does not exist. Raises DatabaseUnavailable."""
    with _cursor(database) as cursor:
        return roles.find_role(cursor, name)


def check_schema(database: Database, name: str, role: Role) -> None:
    """Raise UnusableSchema if the role may not have this schema. Raises DatabaseUnavailable."""
    with _cursor(database) as cursor:
        own_schemas.check_usable(cursor, name, role.name, role.schema)


def grant(
    database: Database,
    name: str,
    connections: int,
    timeout_s: int,
    new_password: bool,
    schema: str | None = None,
) -> Granted:
    """Let a role read the views, and nothing else but create tables in its own schema, if any.

    A role that is missing is created, with a password. Without `schema` the role keeps the one
    that it has. Raises CannotGrant, UnusableSchema, DatabaseUnavailable.
    """
    with _cursor(database) as cursor:
        role = roles.find_role(cursor, name)
        roles.check_grantable(role)
        cursor.execute(COUNT_VIEWS)
        views = cursor.fetchone().views
        if not views:
            raise CannotGrant("the views do not exist yet: run `manage.py db upgrade`")
        password = None
        was_revoked = role.created_by_grant and not role.can_log_in
        if not role.exists or was_revoked or new_password:
            password = _set_password(cursor, role)
        for statement in GRANT:
            _run(cursor, statement, name)
        schema = schema or (role.schema.name if role.schema else None)
        if schema:
            own_schemas.check_usable(cursor, schema, name, role.schema)
            own_schemas.create(cursor, schema, name, role.schema)
        defaults = _defaults(cursor, name, timeout_s, schema)
        unset = _set_limits(cursor, name, connections, defaults)
        for statement in REVOKE_FROM_PUBLIC:
            _run_if_allowed(cursor, statement, name)
        cursor.execute(REVOKE_FUNCTIONS)
        for row in cursor.fetchall():
            cursor.execute(row.revoke_statement)
        if excess := roles.find_role(cursor, name).excess_privileges:
            raise CannotGrant(f"every role {'; '.join(excess)}: revoke that from PUBLIC first")
        cursor.execute(LEFT_OPEN, {"role": name})
        left_open = [row.label for row in cursor.fetchall()]
    return Granted(views, password, schema, unset, defaults if unset else [], left_open)


def address_of(database: Database, role: str, password: str | None) -> str:
    """Return the URL with which a role connects, without a password if it is None."""
    url = database.engine.url
    query = {name: value for name, value in url.query.items() if name in SHARED_OPTIONS}
    address = URL.create("postgresql", role, password, url.host, url.port, url.database, query)
    return address.render_as_string(hide_password=False)


def revoke(database: Database, name: str, drop_schema: bool = False) -> None:
    """Revoke the views from a role; end its sessions and drop it if `grant` created it.

    A role's own schema is dropped if it is empty, or with `drop_schema`; otherwise it is kept, with
    the role that owns the tables in it, which can no longer log in.
    Raises CannotRevoke, DatabaseUnavailable.
    """
    with _cursor(database) as cursor:
        role = roles.find_role(cursor, name)
        roles.check_revocable(role)
        keep = roles.keeps_schema(role, drop_schema)
        if role.created_by_grant:
            # A member may end the role's sessions and drop its objects, such as large objects.
            _run(cursor, "GRANT {role} TO CURRENT_USER", name)
            cursor.execute(END_SESSIONS, {"role": name})
        if role.schema:
            own_schemas.drop_or_revoke(cursor, role.schema, name, keep)
        if role.created_by_grant and not keep:
            _drop(cursor, name)
            return
        for statement in REVOKE:
            _run(cursor, statement, name)
        if role.created_by_grant:
            _run(cursor, "ALTER ROLE {role} NOLOGIN PASSWORD NULL", name)
        else:
            _run_if_allowed(cursor, RESET_DEFAULTS, name)


def _drop(cursor: Cursor, name: str) -> None:
    _run(cursor, "DROP OWNED BY {role}", name)
    try:
        _run(cursor, "DROP ROLE {role}", name)
    except errors.DependentObjectsStillExist as error:
        raise CannotRevoke(
            f"{name} has privileges in other databases of this server: revoke those first"
        ) from error


@contextmanager
def _cursor(database: Database) -> Iterator[Cursor]:
    """Yield a cursor in one transaction, so that no role is left half granted."""
    with database.transaction() as connection:
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor(cursor_factory=NamedTupleCursor) as cursor:
            yield cursor


def _set_password(cursor: Cursor, role: Role) -> str:
    """Set a new password, sent as its SCRAM verifier: the server may log the statement."""
    password = secrets.token_urlsafe(24)
    verifier = encrypt_password(password, role.name, cursor.connection, "scram-sha-256")
    verb = "ALTER" if role.exists else "CREATE"
    try:
        _run(cursor, verb + " ROLE {role} LOGIN PASSWORD {password}", role.name, verifier)
        if not role.exists:
            _run(cursor, "COMMENT ON ROLE {role} IS {comment}", role.name)
    except errors.InsufficientPrivilege as error:
        raise CannotGrant(
            f"the database's user may not set a password for {role.name}: the role's creator must"
            " (on Heroku `heroku pg:credentials:rotate`)"
        ) from error
    return password


def _defaults(cursor: Cursor, role: str, timeout_s: int, schema: str | None) -> list[str]:
    """Return the statements that set the defaults of a role's sessions in this database."""
    settings = ROLE_SETTINGS | {"statement_timeout": f"'{timeout_s}s'"}
    if schema:
        # New tables are created in the first schema of search_path.
        path = sql.SQL("{}, analytics").format(sql.Identifier(schema)).as_string(cursor)
        settings |= {"search_path": path, "default_transaction_read_only": "off"}
    return [
        _compose(cursor, f"{SET_DEFAULT}{name} = {value}", role).as_string(cursor)
        for name, value in settings.items()
    ]


def _set_limits(cursor: Cursor, role: str, connections: int, defaults: list[str]) -> str | None:
    """Set the role's limits; return why that is impossible, or None."""
    statements = [f"ALTER ROLE {{role}} CONNECTION LIMIT {connections}", *defaults]
    if not all(_run_if_allowed(cursor, statement, role) for statement in statements):
        return "the database's user did not create this role and may not limit it"
    _run_if_allowed(cursor, TEMP_FILE_LIMIT, role)
    return None


def _run_if_allowed(cursor: Cursor, statement: str, role: str) -> bool:
    """Run a statement that some platforms refuse; return whether it was allowed."""
    cursor.execute("SAVEPOINT attempt")
    try:
        _run(cursor, statement, role)
    except (errors.InsufficientPrivilege, errors.ReservedName):
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
        return False
    cursor.execute("RELEASE SAVEPOINT attempt")
    return True


def _run(cursor: Cursor, statement: str, role: str, password: str = "") -> None:
    cursor.execute(_compose(cursor, statement, role, password))


def _compose(cursor: Cursor, statement: str, role: str, password: str = "") -> sql.Composed:
    return sql.SQL(statement).format(
        role=sql.Identifier(role),
        database=sql.Identifier(cursor.connection.info.dbname),
        password=sql.Literal(password),
        comment=sql.Literal(roles.role_comment(cursor)),
    )
