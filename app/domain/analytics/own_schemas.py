"""Schemas of analysts' own: a role may create tables and views there, with dbt for example.

The database's user owns the schema, so that it can drop it, and the role owns what is in it.
"""

import re
from dataclasses import dataclass
from typing import Any

from psycopg2 import errors, sql

SCHEMA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
RESERVED = ("public", "analytics", "information_schema")
# Marks the schemas made here; only a schema's owner can change its comment.
COMMENT = "Schema of the analyst {role}, made by manage.py."
IS_OWN_SCHEMA = "obj_description({oid}, 'pg_namespace') LIKE 'Schema of the analyst %%, made by %%'"
FIND_BY_COMMENT = """
    SELECT nspname AS name,
           (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass
            AND refobjid = space.oid) AS objects
    FROM pg_namespace AS space
    WHERE obj_description(oid, 'pg_namespace') = %(comment)s
"""
EXISTS = """
    SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %(name)s) AS is_schema,
           EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %(name)s) AS is_role
"""
# A backup restored without owners gives the analyst's functions and views the rights of another.
FIND_OTHERS_OBJECTS = """
    SELECT relname AS name FROM pg_class, pg_roles
    WHERE relnamespace = to_regnamespace(quote_ident(%(name)s))
      AND rolname = %(role)s AND relowner <> pg_roles.oid
    UNION ALL
    SELECT proname FROM pg_proc, pg_roles
    WHERE pronamespace = to_regnamespace(quote_ident(%(name)s))
      AND rolname = %(role)s AND proowner <> pg_roles.oid
    LIMIT 1
"""
CREATE = "CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {comment}"
GRANT = "GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}"
REVOKE = "REVOKE ALL ON SCHEMA {schema} FROM {role}"


class UnusableSchema(Exception):
    """The schema cannot become a role's own; the text says why."""


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """A role's own schema; `objects` is the number of tables, views, functions and types in it."""

    name: str
    objects: int


def find_own_schema(cursor: Any, role: str) -> OwnSchema | None:
    """Return the schema that `create` made for a role, or None."""
    cursor.execute(FIND_BY_COMMENT, {"comment": COMMENT.format(role=role)})
    row = cursor.fetchone()
    return OwnSchema(row.name, row.objects) if row else None


def check_usable(cursor: Any, name: str, role: str, own: OwnSchema | None) -> None:
    """Raise UnusableSchema if a role may not have a schema of this name."""
    if not SCHEMA_NAME.fullmatch(name) or name.startswith("pg_") or name in RESERVED:
        raise UnusableSchema(
            f"{name!r} cannot be an analyst's schema: begin with a letter, then letters, digits, _"
            f" and -, at most 63 in total; not pg_, {', '.join(RESERVED)}"
        )
    if own and own.name != name:
        raise UnusableSchema(f"{role} already has the schema {own.name}")
    cursor.execute(EXISTS, {"name": name})
    exists = cursor.fetchone()
    if exists.is_schema and not own:
        raise UnusableSchema(f"the schema {name} exists and was not made for {role}")
    # search_path begins with "$user" by default.
    if exists.is_role and name != role:
        raise UnusableSchema(f"{name} is a role, which would look for its tables in this schema")
    cursor.execute(FIND_OTHERS_OBJECTS, {"name": name, "role": role})
    if other := cursor.fetchone():
        raise UnusableSchema(
            f"{name}.{other.name} does not belong to {role}, as after a restored backup: change"
            " its owner or drop it"
        )


def create(cursor: Any, name: str, role: str, own: OwnSchema | None) -> None:
    """Create a role's schema unless it exists, and let the role create tables in it.

    Raises UnusableSchema.
    """
    try:
        if not own:
            _run(cursor, CREATE, name, role)
    except errors.InsufficientPrivilege as error:
        raise UnusableSchema(
            "the database's user may not create schemas: the owner must GRANT CREATE ON DATABASE"
        ) from error
    _run(cursor, GRANT, name, role)


def drop_or_revoke(cursor: Any, own: OwnSchema, role: str, keep: bool) -> None:
    """Drop a role's schema with all that is in it, or only revoke it from the role."""
    # Without objects no CASCADE: the role may create one until its session ends.
    drop = "DROP SCHEMA {schema}" + (" CASCADE" if own.objects else "")
    _run(cursor, REVOKE if keep else drop, own.name, role)


def _run(cursor: Any, statement: str, schema: str, role: str) -> None:
    cursor.execute(
        sql.SQL(statement).format(
            schema=sql.Identifier(schema),
            role=sql.Identifier(role),
            comment=sql.Literal(COMMENT.format(role=role)),
        )
    )
