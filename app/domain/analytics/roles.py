"""What a role of the database may do, and whether it is fit to be an analyst's."""

import re
from dataclasses import dataclass

import psycopg2

Cursor = psycopg2.extensions.cursor

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}").fullmatch
HEROKU = (
    "the database's user may not create roles. On Heroku (Standard and above) make it with"
    " `heroku pg:credentials:create --name {role}`, then run this again; on Essential plans save"
    " the questions as Dataclips over the views. Elsewhere let a superuser run CREATE ROLE, then"
    " run this again"
)


class CannotGrant(Exception):
    """The role cannot be an analyst's, or cannot be made here; the text says why and what to do."""


class CannotRevoke(Exception):
    """The role is none of ours; the text says which it is."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role as the server knows it. `is_ours`: `grant` made it, for this database.

    `powers`: what it may do beyond what a role made by `grant` may.
    """

    name: str
    exists: bool
    is_ours: bool
    is_granted: bool
    may_be_made: bool
    powers: list[str]


LOOK = """
    SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %(role)s),
           EXISTS (SELECT 1 FROM pg_roles AS role
                   WHERE rolname = %(role)s
                     AND shobj_description(role.oid, 'pg_authid') = %(mark)s),
           EXISTS (SELECT 1 FROM pg_namespace, aclexplode(nspacl) AS acl
                   JOIN pg_roles AS role ON role.oid = acl.grantee
                   WHERE nspname = 'analytics' AND rolname = %(role)s AND role.oid <> nspowner),
           (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
"""
# What a role of this name may do already, by itself, by another role, or as everybody may.
POWERS = """
    SELECT 'is ' || CASE WHEN rolsuper THEN 'a superuser' WHEN rolcreaterole THEN 'a maker of roles'
                         WHEN rolcreatedb THEN 'a maker of databases'
                         WHEN rolreplication THEN 'a replica' ELSE 'above row security' END
    FROM pg_roles
    WHERE rolname = %(role)s
      AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    UNION ALL
    SELECT 'is a member of ' || owner.rolname
    FROM pg_auth_members AS member
    JOIN pg_roles AS owner ON owner.oid = member.roleid
    JOIN pg_roles AS role ON role.oid = member.member WHERE role.rolname = %(role)s
    UNION ALL
    SELECT 'may use ' || relation.relname
    FROM pg_class AS relation
    JOIN pg_namespace AS space ON space.oid = relation.relnamespace
    WHERE space.nspname NOT IN ('pg_catalog', 'information_schema', 'analytics')
      AND space.nspname NOT LIKE 'pg\\_%%' AND relation.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = relation.oid AND deptype = 'e')
      AND CASE WHEN relation.relkind = 'S'
          THEN has_sequence_privilege(%(role)s, relation.oid, 'USAGE, SELECT, UPDATE')
          ELSE has_table_privilege(%(role)s, relation.oid,
                   'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(%(role)s, relation.oid,
                   'SELECT, INSERT, UPDATE, REFERENCES') END
    ORDER BY 1
"""


def look(cursor: Cursor, role: str) -> Role:
    cursor.execute(LOOK, {"role": role, "mark": mark(cursor)})
    ((exists, is_ours, is_granted, may_be_made),) = cursor.fetchall()
    powers = []
    if exists:
        cursor.execute(POWERS, {"role": role})
        powers = [power for (power,) in cursor.fetchall()]
    return Role(role, exists, is_ours, is_granted, may_be_made, powers)


def mark(cursor: Cursor) -> str:
    return f"Analyst of the database {cursor.connection.info.dbname}, made by manage.py."


def refuse_unfit(role: Role) -> None:
    """Raises CannotGrant: the role may do more than read, or is not there and cannot be made."""
    if not NAME(role.name) or role.name.startswith("pg_"):
        raise CannotGrant(
            f"{role.name!r} cannot be a role's name: begin with a letter, then letters, digits,"
            " _ and -, 63 in all"
        )
    if not role.exists and not role.may_be_made:
        raise CannotGrant(HEROKU.format(role=role.name))
    if role.powers:
        told = "; ".join(role.powers[:3]) + ("; and more" if len(role.powers) > 3 else "")
        raise CannotGrant(f"{role.name} {told}: an analyst needs a role that may do nothing else")


def refuse_unknown(role: Role) -> None:
    """Raises CannotRevoke: there is no such role, or it was never granted anything."""
    if not role.exists:
        raise CannotRevoke(f"there is no role {role.name}")
    if not role.is_granted and not role.is_ours:
        raise CannotRevoke(f"{role.name} is no analyst's role: `analysts grant` was never for it")
