"""DELETE /users/<_id> erases all data of the user."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from flask.testing import FlaskClient

from app.domain.analytics.publication import publish
from app.domain.members.repository import Members
from app.infra.database import LockTimeout
from tests.support.analysts import add_members
from tests.support.databases import Server, Sql
from tests.support.http import place
from tests.support.manage import run_manage
from tests.support.serving import wait_until

USER = "to-be:forgotten"
COUNTED = "SELECT deleted_month, joined_month, country, cluster_id, members FROM deletions"
WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def columns_with(sql: Sql, text: str) -> list[str]:
    """Return the columns of text, array and JSON types that contain a text."""
    columns = sql(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        " AND (data_type IN ('text', 'ARRAY', 'jsonb', 'json', 'character', 'character varying'))"
        " AND table_name NOT IN ('city_names', 'place_names')"
    )
    return sorted(
        f"{table}.{column}"
        for schema, table, column in columns
        if sql(
            f'SELECT 1 FROM "{schema}"."{table}" WHERE "{column}"::text LIKE %s LIMIT 1',
            (f"%{text}%",),
        )
    )


def test_a_forgotten_user_is_in_no_table(client: FlaskClient, sql: Sql) -> None:
    place(client, _id=USER)
    place(client, _id=USER, city="Otra Parte")
    place(client, _id="another")
    sql(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason)"
        " VALUES (%s, 1, 2, 'merge'), ('another', 1, 2, 'merge')",
        (USER,),
    )
    assert columns_with(sql, USER) == ["memberships.user_id", "room_changes.user_id"]
    response = client.delete(f"/users/{USER}")
    assert (response.status_code, response.data) == (204, b"")
    assert columns_with(sql, USER) == []
    assert client.get(f"/users/{USER}").status_code == 404
    assert client.get("/users/another").json["moves"]


def test_forgetting_an_unknown_user_is_no_error(client: FlaskClient) -> None:
    for user in (USER, USER, "never-seen", "%00", "x" * 100):
        assert client.delete(f"/users/{user}").status_code == 204


def test_a_forgotten_user_may_join_again_as_a_new_one(client: FlaskClient) -> None:
    place(client, _id="another")
    first: Any = place(client, _id=USER)
    client.delete(f"/users/{USER}")
    again = place(client, _id=USER)
    assert again["joined"] is True
    assert again["previous_room_id"] is None
    assert again["room_id"] == first["room_id"]


@pytest.fixture
def members(app: Any) -> Members:
    members: Members = app.extensions["nomad_rooms"].members
    return members


def this_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


@contextmanager
def locked_deletions(database_url: str) -> Iterator[None]:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE deletions")
        yield


def test_erasures_are_counted_by_month_country_and_cluster(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    add_members(sql, 2, datetime(2026, 1, 31, 23, 59, tzinfo=UTC), cluster=3)
    for (user,) in sql("SELECT user_id FROM memberships"):
        for _ in range(2):
            assert client.delete(f"/users/{user}").status_code == 204
    place(client, _id=USER, city="Remote")
    sql("UPDATE memberships SET created_at = '2026-02-01'")
    ((cluster,),) = sql("SELECT cluster_id FROM rooms JOIN memberships ON room_id = rooms.id")
    done = run_manage("users", "forget", USER, "--yes", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert sorted(sql(COUNTED)) == [
        (this_month(), date(2026, 1, 1), "ES", 3, 2),
        (this_month(), date(2026, 2, 1), "unknown", cluster, 1),
    ]
    columns = sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'deletions'"
        " AND table_schema = 'public'"
    )
    assert {name for (name,) in columns} == {
        "deleted_month", "joined_month", "country", "cluster_id", "members", "demo_members",
    }  # fmt: skip


def test_concurrent_erasures_are_all_counted(
    client: FlaskClient, sql: Sql, members: Members
) -> None:
    add_members(sql, 17)
    users = [user for (user,) in sql("SELECT user_id FROM memberships LIMIT 16")]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(members.forget, users))
        list(pool.map(members.forget, users))
    assert [row[-1] for row in sql(COUNTED)] == [16]
    assert sql("SELECT count(*) FROM memberships") == [(1,)]


def test_concurrent_requests_for_one_user_count_once(
    client: FlaskClient, sql: Sql, members: Members
) -> None:
    place(client, _id=USER)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(members.forget, [USER] * 16))
    assert [row[-1] for row in sql(COUNTED)] == [1]


def test_an_erasure_that_fails_erases_and_counts_nothing(
    client: FlaskClient, sql: Sql, members: Members, database_url: str, server: Server
) -> None:
    if server.pooler:
        pytest.skip("a pooler does not pass on the lock timeout")
    place(client, _id=USER)
    with locked_deletions(database_url), pytest.raises(LockTimeout):
        members.forget(USER)
    assert sql(COUNTED) == []
    assert client.get(f"/users/{USER}").status_code == 200


def test_an_erasure_whose_connection_dies_is_repeated_and_counted_once(
    client: FlaskClient, sql: Sql, members: Members, database_url: str
) -> None:
    place(client, _id=USER)
    with ThreadPoolExecutor(1) as pool:
        with locked_deletions(database_url):
            erasure = pool.submit(members.forget, USER)
            wait_until(lambda: bool(sql(WAITING)))
            sql(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")
            wait_until(lambda: bool(sql(WAITING)))
        erasure.result()
    assert [row[-1] for row in sql(COUNTED)] == [1]
    assert client.get(f"/users/{USER}").status_code == 404


def test_erasures_are_published_when_their_month_is_over(
    client: FlaskClient, sql: Sql, members: Members
) -> None:
    # Too few of cluster 3 and 4 for a row each, and of the earlier month.
    for number, cluster, joined in ((8, 1, 70), (4, 3, 70), (4, 4, 70), (4, 1, 140)):
        add_members(sql, number, datetime.now(UTC) - timedelta(days=joined), cluster=cluster)
    for (user,) in sql("SELECT user_id FROM memberships"):
        members.forget(user)
    ended = this_month() + timedelta(days=31)
    publish(members.database, ended - timedelta(days=ended.day))
    assert sql("SELECT * FROM analytics.deletions") == []
    sql("DELETE FROM published; DELETE FROM publications")
    publish(members.database, ended)
    shown = "SELECT deleted_month, country, cluster, is_other, members FROM analytics.deletions"
    assert sql(shown) == [
        (this_month(), "ES", 1, False, 10),
        (this_month(), "ES", None, True, 10),
    ]
    ((month, people),) = sql("SELECT joined_month, members FROM analytics.cohort_deletions")
    assert (month < this_month(), people) == (True, 15)
