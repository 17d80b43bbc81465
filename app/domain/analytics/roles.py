"""Database roles: their privileges, and whether one may become or is an analyst's role."""

import re
from dataclasses import dataclass
from typing import Any

from app.domain.analytics.own_schemas import IS_OWN_SCHEMA, OwnSchema, find_own_schema

# psycopg2's cursor, with rows as named tuples.
Cursor = Any

ROLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
CANNOT_CREATE = (
    "the database's user may not create roles. On Heroku (Standard and above) create the role with"
    " `heroku pg:credentials:create --name {role}`, then run this again; on Essential plans save"
    " the questions as Dataclips over the views. Elsewhere let a superuser run CREATE ROLE, then"
    " run this again"
)
MAX_LISTED_PRIVILEGES = 3


class CannotGrant(Exception):
    """The role cannot become an analyst's; the text says why and what to do."""


class CannotRevoke(Exception):
    """The role does not exist, or is not an analyst's; the text says which."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the server.

    `created_by_grant`: `grant` created it, for this database. `excess_privileges`: what it may do
    beyond what a role created by `grant` may. `schema`: its own schema, or None.
    """

    name: str
    exists: bool
    created_by_grant: bool
    can_log_in: bool
    is_granted: bool
    can_be_created: bool
    excess_privileges: list[str]
    schema: OwnSchema | None


FIND_ROLE = """
    SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %(role)s) AS role_exists,
           EXISTS (SELECT 1 FROM pg_roles AS role
                   WHERE rolname = %(role)s
                     AND shobj_description(role.oid, 'pg_authid') = %(comment)s)
               AS created_by_grant,
           EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %(role)s AND rolcanlogin) AS can_log_in,
           EXISTS (SELECT 1 FROM pg_namespace, aclexplode(nspacl) AS acl
                   JOIN pg_roles AS role ON role.oid = acl.grantee
                   WHERE nspname = 'analytics' AND rolname = %(role)s AND role.oid <> nspowner)
               AS is_granted,
           (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
               AS can_be_created
"""
# By the role's attributes, its memberships, or grants to it or to PUBLIC; attributes sort first.
FIND_EXCESS_PRIVILEGES = f"""
    SELECT 'has ' || CASE WHEN rolsuper THEN 'SUPERUSER' WHEN rolcreaterole THEN 'CREATEROLE'
                          WHEN rolcreatedb THEN 'CREATEDB'
                          WHEN rolreplication THEN 'REPLICATION' ELSE 'BYPASSRLS' END AS privilege
    FROM pg_roles
    WHERE rolname = %(role)s
      AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    UNION ALL
    SELECT 'is a member of ' || owner.rolname
    FROM pg_auth_members AS member
    JOIN pg_roles AS owner ON owner.oid = member.roleid
    JOIN pg_roles AS role ON role.oid = member.member WHERE role.rolname = %(role)s
    UNION ALL
    SELECT 'may access ' || relation.relname
    FROM pg_class AS relation
    JOIN pg_namespace AS space ON space.oid = relation.relnamespace
    WHERE space.nspname NOT IN ('pg_catalog', 'information_schema', 'analytics')
      AND space.nspname NOT LIKE 'pg\\_%%'
      AND NOT coalesce({IS_OWN_SCHEMA.format(oid="space.oid")}, false)
      AND relation.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = relation.oid AND deptype = 'e')
      AND CASE WHEN relation.relkind = 'S'
          THEN has_sequence_privilege(%(role)s, relation.oid, 'USAGE, SELECT, UPDATE')
          ELSE has_table_privilege(%(role)s, relation.oid,
                   'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(%(role)s, relation.oid,
                   'SELECT, INSERT, UPDATE, REFERENCES') END
    ORDER BY 1
"""


def find_role(cursor: Cursor, name: str) -> Role:
    """Return a role of the server, or one that does not exist."""
    cursor.execute(FIND_ROLE, {"role": name, "comment": role_comment(cursor)})
    row, excess = cursor.fetchone(), []
    if row.role_exists:
        cursor.execute(FIND_EXCESS_PRIVILEGES, {"role": name})
        excess = [found.privilege for found in cursor.fetchall()]
    schema = find_own_schema(cursor, name)
    return Role(
        name,
        row.role_exists,
        row.created_by_grant,
        row.can_log_in,
        row.is_granted,
        row.can_be_created,
        excess,
        schema,
    )


def role_comment(cursor: Cursor) -> str:
    """Return the comment by which `revoke` recognizes the roles that `grant` created."""
    return f"Analyst of the database {cursor.connection.info.dbname}, made by manage.py."


def check_grantable(role: Role) -> None:
    """Raise CannotGrant if the role has other privileges, or cannot be created."""
    if not ROLE_NAME.fullmatch(role.name) or role.name.startswith("pg_"):
        raise CannotGrant(
            f"{role.name!r} cannot be a role's name: begin with a letter, then letters, digits,"
            " _ and -, at most 63 in total"
        )
    if not role.exists and not role.can_be_created:
        raise CannotGrant(CANNOT_CREATE.format(role=role.name))
    if excess := role.excess_privileges:
        more = ["and more"] if len(excess) > MAX_LISTED_PRIVILEGES else []
        listed = "; ".join(excess[:MAX_LISTED_PRIVILEGES] + more)
        raise CannotGrant(f"{role.name} {listed}: an analyst's role must have no other privilege")


def check_revocable(role: Role) -> None:
    """Raise CannotRevoke if the role does not exist, or was never granted anything."""
    if not role.exists:
        raise CannotRevoke(f"there is no role {role.name}")
    if not role.is_granted and not role.created_by_grant and not role.schema:
        raise CannotRevoke(f"{role.name} is not an analyst's role: it was never granted the views")


def keeps_schema(role: Role, drop_schema: bool) -> bool:
    """Return whether revoking a role keeps its schema, and with it the role: there are tables."""
    return role.schema is not None and role.schema.objects > 0 and not drop_schema
