"""What the views show of the demo population, and what they hide."""

import pytest
import sqlalchemy
from flask.testing import FlaskClient

from app.config import psycopg2_url
from app.domain.analytics.publication import publish
from app.infra.database import Database
from tests.support.analysts import VIEWS, add_members
from tests.support.databases import DELETE_ALL, Sql

MIN_GROUP = 5
# Columns of numbers that count neither people nor rooms, or that list what is published.
NO_COUNTS = {
    "cluster",
    "from_cluster",
    "to_cluster",
    "interests",
    "training_users",
    "population",
    "km_to_hub",
    "members_from",
    "members_to",
    "median_days_until_lively",
    "median_room_before",
    "median_room_after",
    "smallest_group",
    "latitude",
    "longitude",
}
SHOWN_ROOMS = {("cities", "rooms"), ("clusters", "rooms"), ("models", "clusters")}
FACTS = ("gazetteer", "publications")


def columns_of(sql: Sql, view: str) -> list[str]:
    rows = sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " ORDER BY attnum",
        (f"analytics.{view}",),
    )
    return [name for (name,) in rows]


def test_the_schema_has_views_and_nothing_else(demo: Sql) -> None:
    kinds = demo(
        "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'analytics'::regnamespace"
    )
    assert dict(kinds) == dict.fromkeys(VIEWS, "v")
    barriers = demo(
        "SELECT relname FROM pg_class WHERE relnamespace = 'analytics'::regnamespace"
        " AND 'security_barrier=true' = ANY(reloptions)"
    )
    assert {name for (name,) in barriers} == set(VIEWS)


def test_every_view_and_column_has_a_comment(demo_url: str) -> None:
    engine = sqlalchemy.create_engine(psycopg2_url(demo_url))
    inspector = sqlalchemy.inspect(engine)
    assert set(inspector.get_view_names("analytics")) == set(VIEWS)
    for view in VIEWS:
        assert inspector.get_table_comment(view, "analytics")["text"]
        for column in inspector.get_columns(view, "analytics"):
            assert column["comment"], f"{view}.{column['name']}"
    engine.dispose()


def counts_of(sql: Sql, view: str) -> list[str]:
    columns = sql(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'analytics' AND table_name = %s"
        " AND data_type IN ('integer', 'bigint', 'smallint', 'numeric', 'double precision')",
        (view,),
    )
    return [
        name
        for (name,) in columns
        if name not in NO_COUNTS and not name.endswith("_id") and (view, name) not in SHOWN_ROOMS
    ]


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in FACTS])
def test_every_count_is_of_a_group_and_rounded(demo: Sql, view: str) -> None:
    counts = counts_of(demo, view)
    assert counts
    for name in counts:
        ((rows, smallest, unrounded),) = demo(
            f"SELECT count(*), min({name}), count(*) FILTER (WHERE {name} % {MIN_GROUP} <> 0)"
            f" FROM analytics.{view}"
        )
        assert rows > 0
        assert smallest is None or smallest >= MIN_GROUP, name
        assert unrounded == 0, name


def test_the_views_have_no_user_ids_and_follow_the_naming_rules(demo: Sql) -> None:
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
            # A date is shown as a day in every tool, whatever its time zone.
            assert column.endswith(("_day", "_week", "_month")) == (kind == "date"), column
            assert not kind.startswith("timestamp")


def test_every_view_with_a_row_other_says_so_in_a_column(demo: Sql) -> None:
    for view in VIEWS:
        if demo(f"SELECT 1 FROM analytics.{view} AS rows WHERE to_jsonb(rows)::text ~ '\"other\"'"):
            assert "is_other" in columns_of(demo, view), view


def test_each_views_comment_says_what_adds_up(demo: Sql) -> None:
    for view in set(VIEWS) - set(FACTS):
        ((comment,),) = demo("SELECT obj_description(%s::regclass)", (f"analytics.{view}",))
        counts = [name for name in counts_of(demo, view) if not name.endswith("_who_like")]
        assert (
            "do not add up" in comment
            or "counts in" in comment
            or any(f"{name} adds up" in comment for name in counts)
        ), (view, comment)


def test_a_running_period_is_not_shown(demo: Sql) -> None:
    # The last day that is counted is June 30th, 2025, a Monday.
    for view, column, last in (
        ("daily_joins", "joined_day", "2025-06-30"),
        ("weekly_joins", "joined_week", "2025-06-23"),
        ("monthly_joins", "joined_month", "2025-06-01"),
        ("monthly_rooms", "counted_month", "2025-06-01"),
    ):
        assert demo(f"SELECT max({column})::text FROM analytics.{view}") == [(last,)]


def test_the_rooms_of_the_view_are_those_with_enough_members(demo: Sql) -> None:
    sizes = dict(demo("SELECT room_id, count(*) FROM memberships GROUP BY 1"))
    shown = dict(demo("SELECT room_id, members FROM analytics.rooms WHERE NOT is_other"))
    assert set(shown) == {room for room, members in sizes.items() if members >= MIN_GROUP}
    assert all(abs(shown[room] - sizes[room]) <= MIN_GROUP / 2 for room in shown)


@pytest.mark.parametrize(
    ("view", "count", "lost"),
    [
        ("rooms", "members", 0.02),
        ("cities", "members_from_here", 0.02),
        ("cities", "members_in_rooms", 0.02),
        ("clusters", "members", 0.02),
        ("models", "members", 0.02),
        ("room_sizes", "members", 0.02),
        ("room_starts", "members", 0.02),
        ("monthly_joins", "joins", 0.02),
        ("weekly_joins", "joins", 0.02),
        # Groups of a day are small: 5, 6 and 7 are all shown as 5, and 5 is the most frequent.
        ("daily_joins", "joins", 0.08),
    ],
)
def test_small_groups_are_in_other_so_that_sums_are_right(
    demo: Sql, view: str, count: str, lost: float
) -> None:
    ((summed,),) = demo(f"SELECT sum({count}) FROM analytics.{view}")
    week = "created_at < '2025-06-30'" if view == "weekly_joins" else "true"
    ((people,),) = demo(f"SELECT count(*) FROM memberships WHERE {week}")
    if view == "monthly_joins":
        people += demo("SELECT sum(members)::int FROM deletions")[0][0]
    assert summed == pytest.approx(people, rel=lost)


def test_sums_of_moves_are_right(demo: Sql) -> None:
    moved = "SELECT count(*) FROM memberships WHERE previous_room_id IS NOT NULL"
    ((people,),) = demo(moved)
    assert demo("SELECT sum(members) FROM analytics.moves")[0][0] == pytest.approx(people, rel=0.05)
    ((gathered,),) = demo("SELECT count(*) FROM room_changes WHERE reason = 'gather'")
    ((shown,),) = demo("SELECT sum(members) FROM analytics.gatherings")
    assert shown == pytest.approx(gathered, abs=MIN_GROUP)


def test_rooms_at_the_end_of_the_last_month_hold_everybody(demo: Sql) -> None:
    rows = demo(
        "SELECT sum(members), sum(members_in_lively_rooms) FROM analytics.monthly_rooms"
        " WHERE counted_month = '2025-06-01'"
    )
    sizes = [size for (size,) in demo("SELECT count(*) FROM memberships GROUP BY room_id")]
    assert rows[0][0] == pytest.approx(sum(sizes), rel=0.02)
    lively = sum(size for size in sizes if size >= MIN_GROUP)
    assert rows[0][1] == pytest.approx(lively, rel=0.02)


def test_cities_count_people_by_their_town_and_by_their_rooms(demo: Sql) -> None:
    rows = demo(
        "SELECT is_gathered, sum(members_from_here), coalesce(sum(members_in_rooms), 0),"
        " min(km_to_hub), max(km_to_hub) FROM analytics.cities GROUP BY 1"
    )
    by_kind = {is_gathered: counts for is_gathered, *counts in rows}
    from_here, in_rooms, nearest_km, farthest_km = by_kind[True]
    assert (from_here > 500, in_rooms) == (True, 0)
    assert 0 <= nearest_km < farthest_km <= 30
    from_here, in_rooms, nearest_km, farthest_km = by_kind[False]
    assert in_rooms > from_here
    assert (nearest_km, farthest_km) == (None, None)


def test_moves_are_shown_between_cities_and_between_clusters(demo: Sql) -> None:
    kinds = {
        tuple(kind)
        for kind in demo(
            "SELECT is_between_cities, is_between_clusters, reason"
            " FROM analytics.moves WHERE members > 0"
        )
    }
    assert (True, False, "gather") in kinds
    assert any(clusters for _, clusters, _ in kinds)
    rows = demo("SELECT from_city, to_city FROM analytics.city_moves WHERE from_city <> 'other'")
    assert rows
    assert all(old != new for old, new in rows)


def test_weeks_begin_on_monday_and_months_on_their_first(demo: Sql) -> None:
    columns = demo(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'analytics' AND column_name ~ '_(week|month)$'"
    )
    for view, column in columns:
        part = "isodow" if column.endswith("_week") else "day"
        found = demo(
            f"SELECT DISTINCT extract({part} FROM {column}) FROM analytics.{view}"
            f" WHERE {column} IS NOT NULL"
        )
        assert found == [(1,)], (view, column)


def test_a_session_in_another_time_zone_sees_the_same_days(demo: Sql) -> None:
    for view in VIEWS:
        shown = f"SELECT * FROM analytics.{view}"
        elsewhere = f"SET LOCAL timezone = 'Pacific/Kiritimati'; {shown}"
        assert demo(shown) == demo(elsewhere), view


def test_areas_are_apart_from_cities(client: FlaskClient, sql: Sql, database: Database) -> None:
    sql(DELETE_ALL)
    for place in ("Sevilla", "Andalucía", "Andalusia, Spain", "Remote"):
        for number in range(MIN_GROUP):
            body = {"_id": f"{place[:9]}{number}".replace("í", "i"), "city": place}
            assert client.post("/rooms", json=body | {"interests": ["surf"]}).status_code < 300
    earlier = "now() - interval '9 days'"
    sql(f"UPDATE memberships SET joined_at = {earlier}, created_at = {earlier}")
    publish(database)
    rows = [("area", "Andalucía", 10), ("city", "Sevilla", 5), ("placeless", "Remote", 5)]
    for view, count in (
        ("cities", "members_from_here"),
        ("rooms", "members"),
        ("weekly_joins", "joins"),
    ):
        assert sql(f"SELECT kind, city, {count} FROM analytics.{view} ORDER BY 1") == rows


def test_an_unknown_country_is_one_word_in_all_views(
    client: FlaskClient, sql: Sql, database: Database
) -> None:
    sql(DELETE_ALL)
    # Half of them like each interest, and some move in either direction.
    for number in range(3 * MIN_GROUP):
        for places in (("Remote",), ("Remote", "Sevilla"), ("Sevilla", "Remote")):
            user = f"{'-'.join(places)}-{number}"
            for place in places:
                body = {"_id": user, "city": place, "interests": [("surf", "movies")[number % 2]]}
                assert client.post("/rooms", json=body).status_code < 300
    for place in ("Remote", "Sevilla"):
        for number in range(MIN_GROUP):
            client.delete(f"/users/{place}-{'Sevilla' if place == 'Remote' else 'Remote'}-{number}")
    sql("UPDATE deletions SET deleted_month = deleted_month - interval '1 month'")
    earlier = "now() - interval '40 days'"
    sql(f"UPDATE memberships SET joined_at = {earlier}, created_at = {earlier}")
    publish(database)
    columns = sql(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'analytics' AND column_name LIKE '%country'"
        " AND table_name <> 'gazetteer'"
    )
    assert {view for view, _ in columns} >= {"rooms", "cities", "city_interests", "city_moves"}
    for view, column in columns:
        found = {country for (country,) in sql(f"SELECT {column} FROM analytics.{view}")}
        assert found - {"other"} == {"ES", "unknown"}, (view, column)


def test_an_interest_of_the_whole_group_is_left_out(sql: Sql, database: Database) -> None:
    sql(DELETE_ALL)
    add_members(sql, 20, interests="{surf,coffee}")
    publish(database)
    assert sql("SELECT * FROM analytics.city_interests") == []
    assert sql("SELECT * FROM analytics.interest_popularity") == []
    sql(DELETE_ALL)
    add_members(sql, 10, interests="{surf,coffee}")
    add_members(sql, 10, interests="{coffee}")
    publish(database)
    for view in ("city_interests", "interests"):
        assert sql(f"SELECT interest, members_who_like, members FROM analytics.{view}") == [
            ("surf", 10, 20)
        ]
