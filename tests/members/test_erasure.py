"""DELETE /users/<_id> erases all data of the user."""

from typing import Any

from flask.testing import FlaskClient

from tests.support.databases import Sql
from tests.support.http import place

USER = "to-be:forgotten"


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
