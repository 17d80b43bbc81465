"""Fixtures of the demo population, and of a database whose owner grants roles."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.infra.database import Database
from tests.support.analysts import OWNER_PASSWORD, url_of
from tests.support.databases import Server, Sql, sql_on, superuser_url
from tests.support.manage import Manage, run_manage


@pytest.fixture(scope="session")
def demo(demo_url: str) -> Sql:
    """Run SQL on the demo population's database, as its owner."""
    return sql_on(demo_url)


@pytest.fixture
def database(app: Any) -> Database:
    """This worker's database, with the connections of a web worker."""
    database: Database = app.extensions["nomad_rooms"].database
    # Publishing tries nothing again where the server has closed an idle connection.
    database.engine.dispose()
    return database


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A name for a role, which is dropped at the end."""
    name = f"{server.prefix}_granted_{os.getpid()}"
    yield name
    server.execute(f"DROP ROLE IF EXISTS {name}")


@pytest.fixture(scope="session")
def owned(server: Server) -> Iterator[tuple[str, str]]:
    """A database as a platform provides it: the URLs of its owner, who may create roles and no
    more, and of the platform's superuser."""
    with server.database() as pooled:
        url = superuser_url(pooled)
        sql, owner = sql_on(url), f"{server.prefix}_owner_{os.getpid()}"
        sql(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD '{OWNER_PASSWORD}'")
        for kind, name in sql(
            "SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass::text"
            " FROM pg_class WHERE relkind IN ('r', 'v')"
            " AND relnamespace IN ('public'::regnamespace, 'analytics'::regnamespace)"
            " UNION ALL SELECT 'FUNCTION', oid::regprocedure::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        ):
            sql(f"ALTER {kind} {name} OWNER TO {owner}")
        ((database,),) = sql("SELECT current_database()")
        sql(f"ALTER SCHEMA analytics OWNER TO {owner}; ALTER DATABASE {database} OWNER TO {owner}")
        yield url_of(url, owner, OWNER_PASSWORD), url
        # Citus 13.2 crashes on REASSIGN OWNED ... TO CURRENT_USER.
        ((superuser,),) = sql("SELECT current_user")
        sql(f"REASSIGN OWNED BY {owner} TO {superuser}; DROP OWNED BY {owner}")
        sql(f"DROP ROLE {owner}")


@pytest.fixture
def as_owner(owned: tuple[str, str]) -> Manage:
    """Run manage.py as the database's owner."""
    return lambda *arguments: run_manage(*arguments, DATABASE_URL=owned[0])


@pytest.fixture
def without_roles(owned: tuple[str, str]) -> Iterator[Sql]:
    """Yield the superuser's SQL, while the owner may not create roles."""
    owner, sql = make_url(owned[0]).username, sql_on(owned[1])
    sql(f"ALTER ROLE {owner} NOCREATEROLE")
    yield sql
    sql(f"ALTER ROLE {owner} CREATEROLE")
