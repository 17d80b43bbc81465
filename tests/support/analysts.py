"""Analysts: the views they may read, and sessions of their role."""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from app.config import Settings, psycopg2_url
from app.domain.analytics.grants import Granted, address_of, grant, revoke
from app.factory import create_cli_app
from app.infra.database import Database
from app.services import services
from tests.support.databases import Server, Sql

VIEWS = (
    "rooms",
    "cities",
    "clusters",
    "models",
    "gazetteer",
    "publications",
    "city_interests",
    "interests",
    "mover_interests",
    "room_sizes",
    "room_starts",
    "daily_joins",
    "weekly_joins",
    "monthly_joins",
    "interest_popularity",
    "moves",
    "city_moves",
    "cluster_moves",
    "city_flows",
    "monthly_rooms",
    "room_activity",
    "gatherings",
    "deletions",
    "cohort_deletions",
)
SEVILLA = 2510911
# What only a superuser can close to a role: docs/analysts.md describes each.
LEFT_OPEN = {
    "advisory locks",
    "large objects",
    "messages in the write-ahead log",
    "temporary files of any size",
}
OWNER_PASSWORD = "the-owners-secret"

# On a Citus cluster the tests' databases belong to a role that is no superuser.
needs_superuser = pytest.mark.skipif(
    "TEST_CITUS_URL" in os.environ, reason="the grants of a superuser: the owner is none on Citus"
)
ADD_MEMBERS = """
    WITH room AS (
        INSERT INTO rooms (city_id, cluster_id, created_at)
        VALUES (%(city)s, %(cluster)s, %(joined)s)
        ON CONFLICT (city_id, cluster_id) DO UPDATE SET city_id = excluded.city_id RETURNING id
    )
    INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at, joined_at,
                             updated_at)
    SELECT gen_random_uuid(), %(city)s, room.id, %(interests)s, models.id, %(joined)s, %(joined)s,
           %(joined)s
    FROM room, models, generate_series(1, %(number)s)
"""


def add_members(
    sql: Sql,
    number: int,
    joined: date | datetime | None = None,
    *,
    city: int = SEVILLA,
    cluster: int = 1,
    interests: str = "{surf}",
) -> None:
    """Insert members who joined on a day, or else 70 days ago, into the room of a city and cluster.

    The city is of Spain, if not given.
    """
    sql(
        ADD_MEMBERS,
        {
            "number": number,
            "joined": joined or datetime.now(UTC) - timedelta(days=70),
            "city": city,
            "cluster": cluster,
            "interests": interests,
        },
    )


def all_views(sql: Sql) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all views, but for the gazetteer's."""
    return {view: sql(f"SELECT * FROM analytics.{view}") for view in VIEWS if view != "gazetteer"}


class Analyst:
    """Sessions of a role."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in one session, each committed; return the rows of the last one."""
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []


def url_of(url: str, role: str, password: str) -> str:
    """Return the URL with which a role connects to a database."""
    return make_url(url).set(username=role, password=password).render_as_string(False)


@contextmanager
def granted_role(
    server: Server, url: str, schema: str | None = None
) -> Iterator[tuple[str, Granted]]:
    """Yield the URL of a new analyst's role, and the result of `grant`; drop the role at the end.

    `schema`: a schema of its own. Roles belong to the server: two concurrent grants would update
    the same catalogue rows.
    """
    database, role = database_on(url), f"{server.prefix}_{uuid.uuid4().hex}"
    with server.lock("granting"):
        granted = grant(database, role, 5, timeout_s=30, new_password=False, schema=schema)
    yield address_of(database, role, granted.password), granted
    with server.lock("granting"):
        revoke(database, role, drop_schema=True)
    database.engine.dispose()


def database_on(url: str) -> Database:
    with create_cli_app(Settings(app_env="testing", database_url=psycopg2_url(url))).app_context():
        return services().database
