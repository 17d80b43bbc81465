"""Attempts of a granted role to learn about rows that the views hide."""

import re
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors

from app.domain.analytics.publication import publish
from app.domain.members.repository import Members
from tests.support.analysts import VIEWS, Analyst, add_members, database_on, granted_role
from tests.support.databases import Server, Sql, sql_on


def small_room(demo: Sql) -> tuple[int, str]:
    """Return a room of one person in a city that no view shows."""
    return demo(
        "SELECT rooms.id, cities.name FROM rooms JOIN cities ON cities.id = rooms.city_id"
        " WHERE rooms.id IN (SELECT room_id FROM memberships GROUP BY 1 HAVING count(*) = 1)"
        "   AND NOT EXISTS (SELECT 1 FROM analytics.cities AS shown"
        "                   WHERE shown.city = cities.name)"
        " ORDER BY 1 DESC LIMIT 1"
    )[0]


def test_a_filter_that_fails_on_hidden_rows_never_fails(analyst: Analyst, demo: Sql) -> None:
    room, city = small_room(demo)
    hidden = (
        f"SELECT count(*) FROM analytics.rooms WHERE 1 / (room_id - {room}) > -2",
        f"SELECT count(*) FROM analytics.cities WHERE 1 / (1 - (city = '{city}')::int) = 1",
        f"SELECT count(*) FROM analytics.weekly_joins WHERE 1 / (1 - (city = '{city}')::int) = 1",
        "SELECT count(*) FROM analytics.rooms WHERE 1 / (members / 5) > -1",
        f"SELECT count(*) FROM analytics.rooms WHERE city LIKE '{city}' AND city::int = 0",
    )
    for statement in hidden:
        analyst.query(statement)
    with pytest.raises(errors.InvalidTextRepresentation) as raised:
        analyst.query("SELECT * FROM analytics.cities WHERE city::int = 0")
    (name,) = re.findall(r'integer: "(.*)"', str(raised.value))
    assert analyst.query(f"SELECT count(*) > 0 FROM analytics.cities WHERE city = '{name}'") == [
        (True,)
    ]


def test_a_code_block_sees_only_rows_that_are_shown(analyst: Analyst) -> None:
    with closing(psycopg2.connect(analyst.url)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "DO $$ DECLARE seen record; BEGIN FOR seen IN SELECT * FROM analytics.rooms"
                " WHERE members < 5 OR members % 5 <> 0"
                " LOOP RAISE NOTICE '%', seen; END LOOP; END $$"
            )
        assert connection.notices == []


def plan(analyst: Analyst, view: str, column: str, value: str, options: str) -> list[str]:
    """Return EXPLAIN's lines for a condition, with the value replaced by a question mark."""
    rows = analyst.query(
        f"EXPLAIN ({options}) SELECT * FROM analytics.{view} WHERE {column} = {value}"
    )
    literal = re.compile(rf"(?<=[= '(]){re.escape(value.strip(chr(39)))}(?=[)':])")
    return [literal.sub("?", line) for (line,) in rows]


@pytest.mark.parametrize(
    "options", ["ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF", "COSTS ON"]
)
def test_explain_counts_no_rows_of_a_condition(analyst: Analyst, demo: Sql, options: str) -> None:
    room, city = small_room(demo)
    for view, column, hidden, nowhere in (
        ("rooms", "room_id", str(room), "999999999"),
        ("rooms", "city", f"'{city}'", "'Nowhere'"),
        ("cities", "city", f"'{city}'", "'Nowhere'"),
        ("weekly_joins", "city", f"'{city}'", "'Nowhere'"),
    ):
        hidden_plan = plan(analyst, view, column, hidden, options)
        assert hidden_plan == plan(analyst, view, column, nowhere, options), view


def test_joined_views_show_no_more_of_a_person_than_each_alone(demo: Sql, analyst: Analyst) -> None:
    # The difference of two views counts the members in hidden rooms, rounded like any count.
    rows = analyst.query(
        "SELECT cities.members_in_rooms - sum(rooms.members)"
        " FROM analytics.cities JOIN analytics.rooms USING (city_id)"
        " WHERE cities.members_in_rooms IS NOT NULL GROUP BY city_id, cities.members_in_rooms"
    )
    assert rows
    assert all(difference % 5 == 0 for (difference,) in rows)
    shown = analyst.query("SELECT room_id FROM analytics.rooms WHERE room_id IS NOT NULL")
    sizes = dict(demo("SELECT room_id, count(*) FROM memberships GROUP BY 1"))
    assert min(sizes[room] for (room,) in shown) >= 5


@pytest.mark.parametrize("options", ["ANALYZE, BUFFERS OFF, TIMING OFF, SUMMARY OFF", "COSTS ON"])
def test_no_plan_changes_with_one_person(server: Server, new_database: str, options: str) -> None:
    sql = sql_on(new_database)
    cities = [city for (city,) in sql("SELECT id FROM cities WHERE listed ORDER BY id LIMIT 30")]
    for number, city in enumerate(cities, 1):
        add_members(sql, number, city=city, interests="{surf}" if number % 2 else "{coffee}")
    database = database_on(new_database)
    publish(database)
    # With many rows, a query that reads all cities is the fastest.
    sql(
        "INSERT INTO published SELECT view, 'copy ' || number || ' ' || key, size, cells"
        " FROM published, generate_series(1, 1000) AS number"
        " WHERE view IN ('rooms', 'weekly_joins')"
    )
    sql("ANALYZE")
    with granted_role(server, new_database) as (url, _):
        analyst = Analyst(url)

        def plans() -> dict[str, list[tuple[str]]]:
            return {
                view: analyst.query(f"EXPLAIN ({options}) SELECT * FROM analytics.{view}")
                for view in VIEWS
            }

        before = plans()
        ((place,),) = sql("INSERT INTO cities (name, name_key) VALUES ('X', 'x') RETURNING id")
        add_members(sql, 1, city=place)
        assert plans() == before
        Members(database).forget(sql("SELECT max(user_id) FROM memberships")[0][0])
        assert plans() == before
    database.close()
