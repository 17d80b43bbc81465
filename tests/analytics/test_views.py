"""What the views say of the demo population, and what they do not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy

from app.config import psycopg2_url
from tests.analytics.conftest import VIEWS
from tests.support.databases import EMPTY, Sql

K = 5
COUNTS = ("members", "joins", "members_who_like", "members_from_here", "members_in_rooms")


def columns_of(sql: Sql, view: str) -> list[str]:
    rows = sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " ORDER BY attnum",
        (f"analytics.{view}",),
    )
    return [name for (name,) in rows]


def test_the_schema_has_views_and_nothing_else(demo: Sql) -> None:
    found = demo(
        "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'analytics'::regnamespace"
    )
    assert dict(found) == dict.fromkeys(VIEWS, "v")
    barriers = demo(
        "SELECT relname FROM pg_class WHERE relnamespace = 'analytics'::regnamespace"
        " AND 'security_barrier=true' = ANY(reloptions)"
    )
    assert {name for (name,) in barriers} == set(VIEWS)


def test_every_view_and_column_has_a_comment_that_tools_see(demo_url: str) -> None:
    engine = sqlalchemy.create_engine(psycopg2_url(demo_url))
    inspector = sqlalchemy.inspect(engine)
    assert set(inspector.get_view_names("analytics")) == set(VIEWS)
    for view in VIEWS:
        assert inspector.get_table_comment(view, "analytics")["text"]
        for column in inspector.get_columns(view, "analytics"):
            assert column["comment"], f"{view}.{column['name']}"
    engine.dispose()


@pytest.mark.parametrize("view", VIEWS)
def test_every_count_is_of_a_group_and_rounded(demo: Sql, view: str) -> None:
    counts = [name for name in columns_of(demo, view) if name in COUNTS]
    assert counts
    for name in counts:
        ((rows, least, odd),) = demo(
            f"SELECT count(*), min({name}), count(*) FILTER (WHERE {name} % {K} <> 0)"
            f" FROM analytics.{view}"
        )
        assert rows > 0
        assert least >= K, name
        assert odd == 0, name


def test_the_views_name_no_user_and_have_the_designs_names(demo: Sql) -> None:
    for view in VIEWS:
        for name in columns_of(demo, view):
            assert "user" not in name or name == "training_users"
            assert name != "id"
        for column, kind in demo(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'analytics' AND table_name = %s",
            (view,),
        ):
            assert column.startswith("is_") == (kind == "boolean")
            # Tools show a day as a day, and count it in nobody's time zone.
            assert column.endswith("_at") == (kind == "date")


def test_the_rooms_of_the_view_are_those_with_enough_members(demo: Sql) -> None:
    there = dict(demo("SELECT room_id, count(*) FROM memberships GROUP BY 1"))
    shown = dict(demo("SELECT room_id, members FROM analytics.rooms WHERE NOT is_other"))
    assert set(shown) == {room for room, members in there.items() if members >= K}
    assert all(abs(shown[room] - there[room]) <= K / 2 for room in shown)


@pytest.mark.parametrize(
    ("view", "count", "lost"),
    [
        ("rooms", "members", 0.02),
        ("cities", "members_from_here", 0.02),
        ("clusters", "members", 0.02),
        ("models", "members", 0.02),
        ("weekly_joins", "joins", 0.02),
        # Groups of a day are small, and of 5, 6 and 7, all told as 5, there are more fives.
        ("daily_joins", "joins", 0.08),
    ],
)
def test_what_is_too_small_is_in_other_so_that_sums_are_right(
    demo: Sql, view: str, count: str, lost: float
) -> None:
    ((summed,),) = demo(f"SELECT sum({count}) FROM analytics.{view}")
    ((people,),) = demo("SELECT count(*) FROM memberships")
    assert summed == pytest.approx(people, rel=lost)


def test_towns_say_where_people_are_and_rooms_where_they_were_put(demo: Sql) -> None:
    rows = demo(
        "SELECT is_gathered, sum(members_from_here), coalesce(sum(members_in_rooms), 0),"
        " min(km_to_hub), max(km_to_hub) FROM analytics.cities GROUP BY 1"
    )
    by_kind = {is_gathered: rest for is_gathered, *rest in rows}
    said, hosted, near, far = by_kind[True]
    assert (said > 500, hosted) == (True, 0)
    assert 0 <= near < far <= 30
    said, hosted, near, far = by_kind[False]
    assert hosted > said
    assert (near, far) == (None, None)


def test_moves_are_told_between_cities_and_between_clusters(demo: Sql) -> None:
    kinds = {
        tuple(kind)
        for kind in demo(
            "SELECT is_between_cities, is_between_clusters, reason"
            " FROM analytics.moves WHERE members > 0"
        )
    }
    assert (True, False, "gather") in kinds
    assert any(clusters for _, clusters, _ in kinds)
    rows = demo(
        "SELECT from_city, to_city FROM analytics.moves"
        " WHERE is_between_cities AND from_city <> 'other'"
    )
    assert rows
    assert all(old != new for old, new in rows)


def test_weeks_begin_on_monday_and_months_on_their_first(demo: Sql) -> None:
    assert demo("SELECT DISTINCT extract(isodow FROM joined_at) FROM analytics.weekly_joins") == [
        (1,)
    ]
    for view, column in (
        ("interest_popularity", "joined_at"),
        ("moves", "moved_at"),
        ("rooms", "established_at"),
    ):
        assert demo(
            f"SELECT DISTINCT extract(day FROM {column}) FROM analytics.{view}"
            f" WHERE {column} IS NOT NULL"
        ) == [(1,)]


def test_a_session_in_another_time_zone_sees_the_same_days(demo: Sql) -> None:
    here = demo("SELECT * FROM analytics.daily_joins")
    there = demo("SET LOCAL timezone = 'Pacific/Kiritimati'; SELECT * FROM analytics.daily_joins")
    assert here == there


@pytest.fixture
def town(sql: Sql) -> Iterator[Callable[..., Sql]]:
    """Put members into the rooms of one town, by cluster; the database's SQL."""
    sql(EMPTY)

    def settle(joined: str = "now() - interval '40 days'", **members: int) -> Sql:
        for cluster, number in enumerate(members.values(), 1):
            sql(
                "INSERT INTO rooms (city_id, cluster_id) VALUES (2510911, %s)"
                " ON CONFLICT DO NOTHING",
                (cluster,),
            )
            sql(
                "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id,"
                " created_at, joined_at, updated_at)"
                " SELECT gen_random_uuid(), 2510911, rooms.id,"
                f" '{{surf,coffee}}', models.id, {joined}, {joined}, {joined}"
                " FROM rooms, models, generate_series(1, %s) WHERE cluster_id = %s",
                (number, cluster),
            )
        return sql

    yield settle
    sql("INSERT INTO analytics_settings VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET min_group = 5")


def everything(sql: Sql) -> dict[str, list[tuple[Any, ...]]]:
    return {view: sql(f"SELECT * FROM analytics.{view}") for view in VIEWS}


def test_one_person_more_or_less_in_a_small_room_is_not_seen(
    town: Callable[..., Sql],
) -> None:
    sql = town(first=11, second=2)
    before = everything(sql)
    assert [(row[6], row[9]) for row in before["rooms"]] == [(1, 10)]
    town(first=0, second=1)
    assert everything(sql) == before
    sql(
        "DELETE FROM memberships WHERE user_id IN (SELECT min(user_id) FROM memberships m"
        " JOIN rooms ON rooms.id = room_id WHERE cluster_id = 2)"
    )
    assert everything(sql) == before


def test_who_joins_today_is_seen_tomorrow(town: Callable[..., Sql]) -> None:
    sql = town(first=11)
    before = everything(sql)
    town("now()", first=50)
    assert everything(sql) == before
    sql(
        "UPDATE memberships SET created_at = now() - interval '1 day',"
        " joined_at = now() - interval '1 day' WHERE joined_at > now() - interval '1 day'"
    )
    assert everything(sql)["rooms"] != before["rooms"]


def test_what_all_of_a_group_like_is_left_out(town: Callable[..., Sql]) -> None:
    sql = town(first=20)
    assert sql("SELECT * FROM analytics.city_interests") == []
    assert sql("SELECT * FROM analytics.interest_popularity") == []
    sql(
        "UPDATE memberships SET interests = '{coffee}' WHERE user_id IN"
        " (SELECT user_id FROM memberships LIMIT 10)"
    )
    assert sql("SELECT interest, members_who_like, members FROM analytics.city_interests") == [
        ("surf", 10, 20)
    ]


def test_the_number_of_the_release_is_the_number_of_the_views(town: Callable[..., Sql]) -> None:
    sql = town(first=11)
    sql("UPDATE analytics_settings SET min_group = 12")
    assert everything(sql)["rooms"] == []
    sql("DELETE FROM analytics_settings")
    assert all(
        row == [] for view, row in everything(sql).items() if view not in ("clusters", "models")
    )
    assert sql("SELECT DISTINCT members FROM analytics.clusters") == [(None,)]
