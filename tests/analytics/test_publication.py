"""Publications of what the views show: when they are due, and what they change."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from app.domain.analytics.publication import publish
from app.domain.members.repository import Members
from app.infra.database import Database
from tests.support.analysts import SEVILLA, add_members, all_views
from tests.support.databases import DELETE_ALL, Sql

K = 5
DUE = 4 * K
# A Monday, the first day of a month.
DAY = date(2026, 6, 1)
TOMORROW, NEXT_MONTH = DAY + timedelta(days=1), date(2026, 7, 1)
EARLIER = DAY - timedelta(days=50)
# As many towns with a lot of their own that none is drawn, or all, once in 10^9.
MANY = 160


@pytest.fixture(autouse=True)
def empty(sql: Sql) -> Iterator[None]:
    sql(DELETE_ALL)
    yield
    sql(DELETE_ALL)
    sql("INSERT INTO analytics_settings VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET min_group = 5")


@pytest.fixture
def towns(sql: Sql) -> list[int]:
    """Spanish cities, from small to large."""
    return [
        city
        for (city,) in sql(
            "SELECT id FROM cities WHERE listed AND country_code = 'ES' AND id <> %s"
            " ORDER BY population LIMIT %s",
            (SEVILLA, MANY + 20),
        )
    ]


def add_to_towns(sql: Sql, towns: list[int], number: int, joined: date = EARLIER) -> None:
    """Insert members into the room of each town."""
    sql(
        "INSERT INTO rooms (city_id, cluster_id) SELECT unnest(%s), 1 ON CONFLICT DO NOTHING",
        (towns,),
    )
    sql(
        "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
        " joined_at, updated_at) SELECT gen_random_uuid(), city_id, rooms.id, '{surf}',"
        " models.id, %(joined)s, %(joined)s, %(joined)s"
        " FROM rooms, models, generate_series(1, %(number)s) WHERE city_id = ANY(%(towns)s)",
        {"joined": joined, "number": number, "towns": towns},
    )


def make_due(sql: Sql, joined: date) -> None:
    """Let people join in a city apart, so that the next publication is due."""
    add_members(sql, DUE, joined, city=3117735, cluster=2)


def shown_rooms(sql: Sql) -> dict[int, int]:
    return dict(
        sql("SELECT city_id, members FROM analytics.rooms WHERE cluster = 1 AND city_id > 0")
    )


def test_a_publication_counts_whole_days(sql: Sql, database: Database) -> None:
    add_members(sql, 20, EARLIER)
    add_members(sql, 100, DAY)
    assert publish(database, DAY) == ""
    assert shown_rooms(sql) == {SEVILLA: 20}
    assert "all days before 2026-06-01" in publish(database, DAY)
    assert publish(database, TOMORROW) == ""
    assert shown_rooms(sql) == {SEVILLA: 120}


def test_nothing_changes_until_enough_people_joined_or_moved(sql: Sql, database: Database) -> None:
    add_members(sql, 200, EARLIER)
    publish(database, DAY)
    before = all_views(sql)
    add_members(sql, DUE - 1, DAY)
    assert publish(database, NEXT_MONTH) == (
        "19 people joined or moved since 2026-06-01, and a publication needs 20"
    )
    sql("DELETE FROM memberships WHERE user_id IN (SELECT user_id FROM memberships LIMIT 150)")
    sql("UPDATE memberships SET joined_at = %s WHERE joined_at < %s::timestamptz", (EARLIER, DAY))
    assert all_views(sql) == before
    add_members(sql, 200, DAY)
    assert publish(database, NEXT_MONTH) == ""
    assert all_views(sql) != before


def test_people_who_move_today_stay_counted(sql: Sql, database: Database) -> None:
    add_members(sql, 100, EARLIER)
    sql("UPDATE memberships SET joined_at = %s", (DAY + timedelta(hours=1),))
    publish(database, DAY)
    assert sql("SELECT members FROM analytics.rooms") == [(100,)]
    assert sql("SELECT sum(joins) FROM analytics.monthly_joins") == [(100,)]
    assert sql("SELECT sum(members) FROM analytics.clusters") == [(100,)]


def test_a_group_appears_with_as_many_people_as_the_minimum(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    add_to_towns(sql, towns[:3], K - 1)
    add_to_towns(sql, towns[3:6], K)
    publish(database, DAY)
    assert shown_rooms(sql) == dict.fromkeys(towns[3:6], K)
    # The others are in one row: 12 people.
    ((others,),) = sql("SELECT sum(members) FROM analytics.rooms WHERE is_other")
    assert others == 10


def renewed(sql: Sql, database: Database, towns: list[int], before: int, after: int) -> int:
    """Let each town grow, publish once more, and return how many towns are shown as grown."""
    add_to_towns(sql, towns, before)
    publish(database, DAY)
    make_due(sql, DAY)
    add_to_towns(sql, towns, after - before, DAY)
    assert publish(database, TOMORROW) == ""
    shown = shown_rooms(sql)
    old = before if before >= K else None
    assert {shown.get(town) for town in towns} <= {old, after}
    return sum(shown.get(town) == after for town in towns)


def test_a_group_that_changed_by_fewer_people_is_renewed_by_a_rare_lot_only(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    # 12 people are shown as 10, and 16 would be as 15.
    add_to_towns(sql, towns[:MANY], 12)
    publish(database, DAY)
    for number in range(1, 4):
        add_to_towns(sql, towns[:MANY], 1, DAY)
        make_due(sql, DAY + timedelta(days=number - 1))
        assert publish(database, DAY + timedelta(days=number)) == ""
    # One in 64 of 160, three times: fewer than 35 but once in 10^9.
    assert sum(members != 10 for members in shown_rooms(sql).values()) < 35


def test_a_group_that_changed_is_renewed_by_lot(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    # One in 8 of 160: more than 0 and fewer than 55 but once in 10^9.
    assert 0 < renewed(sql, database, towns[:MANY], 20, 30) < 55


def test_a_group_that_reaches_the_minimum_appears_by_lot(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    assert 0 < renewed(sql, database, towns[:MANY], K - 1, 2 * K) < 55


def test_a_large_change_is_shown_at_once(sql: Sql, database: Database, towns: list[int]) -> None:
    assert renewed(sql, database, towns[:20], 20, 20 + 10 * K) == 20


def test_a_group_of_which_nobody_is_left_vanishes_by_lot(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    add_to_towns(sql, towns[:MANY], 10 * K)
    publish(database, DAY)
    sql("DELETE FROM memberships WHERE city_id = ANY(%s)", (towns[:MANY],))
    make_due(sql, DAY)
    publish(database, TOMORROW)
    assert set(shown_rooms(sql).values()) == {10 * K}
    assert 0 < MANY - len(shown_rooms(sql)) < 55


def test_a_figure_is_renewed_although_its_city_has_as_many_people_as_before(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    # Half of each town's people go to another room of the town.
    add_to_towns(sql, towns[:MANY], 40)
    publish(database, DAY)
    sql("INSERT INTO rooms (city_id, cluster_id) SELECT unnest(%s), 2", (towns[:MANY],))
    sql(
        "UPDATE memberships AS member SET room_id = room.id, joined_at = %s FROM rooms AS room"
        " WHERE room.cluster_id = 2 AND room.city_id = member.city_id"
        " AND member.user_id < '8'",
        (DAY,),
    )
    make_due(sql, DAY)
    publish(database, TOMORROW)
    assert 0 < sum(members < 40 for members in shown_rooms(sql).values()) < 55


def test_all_figures_of_a_town_are_renewed_together(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    add_to_towns(sql, towns[:MANY], 20)
    publish(database, DAY)
    make_due(sql, DAY)
    add_to_towns(sql, towns[:MANY], 10, DAY)
    publish(database, TOMORROW)
    rooms = shown_rooms(sql)
    cities = dict(sql("SELECT city_id, members_from_here FROM analytics.cities WHERE city_id > 0"))
    assert {town: cities[town] for town in towns[:MANY]} == {
        town: rooms[town] for town in towns[:MANY]
    }


PERIODS = ("daily_joins", "weekly_joins", "monthly_joins", "interest_popularity", "moves",
           "city_moves", "cluster_moves", "city_flows", "monthly_rooms", "room_activity",
           "gatherings", "deletions", "cohort_deletions")  # fmt: skip


def test_a_period_that_is_over_never_changes(
    sql: Sql, database: Database, towns: list[int]
) -> None:
    add_to_towns(sql, towns[:10], 20)
    publish(database, DAY)
    before = all_views(sql)
    for (user,) in sql("SELECT min(user_id) FROM memberships GROUP BY city_id"):
        Members(database).forget(user)
    # The others of the first five towns move to Sevilla and another cluster.
    add_members(sql, 1, DAY, cluster=3)
    sql(
        "UPDATE memberships SET previous_room_id = room_id, city_id = rooms.city_id,"
        " room_id = rooms.id, joined_at = %s, interests = '{coffee}' FROM rooms"
        " WHERE cluster_id = 3 AND memberships.city_id = ANY(%s)",
        (DAY, towns[:5]),
    )
    assert publish(database, NEXT_MONTH + timedelta(days=3)) == ""
    after = all_views(sql)
    for view in PERIODS:
        # Periods that ended since are added: they began later.
        assert [row for row in after[view] if row[0] < DAY] == before[view], view
    assert after["moves"] != []
    assert after["rooms"] != before["rooms"]


def test_another_minimum_publishes_everything_anew(sql: Sql, database: Database) -> None:
    add_members(sql, 11, EARLIER)
    publish(database, DAY)
    sql("UPDATE analytics_settings SET min_group = 12")
    assert sql("SELECT members FROM analytics.rooms") == [(10,)]
    assert publish(database, DAY) == ""
    assert sql("SELECT * FROM analytics.rooms") == []
    assert sql("SELECT * FROM analytics.publications") == [(date(2026, 5, 31), 12)]
    assert sql("SELECT DISTINCT members FROM analytics.clusters") == [(None,)]


@pytest.mark.parametrize("minimum", [3, 1000])
def test_each_minimum_that_is_allowed_rounds_and_hides(
    sql: Sql, database: Database, towns: list[int], minimum: int
) -> None:
    sql("UPDATE analytics_settings SET min_group = %s", (minimum,))
    add_to_towns(sql, towns[:1], minimum - 1)
    add_to_towns(sql, towns[1:2], 2 * minimum + 1)
    publish(database, DAY)
    assert shown_rooms(sql) == {towns[1]: 2 * minimum}


def test_nothing_is_published_of_an_empty_service(sql: Sql, database: Database) -> None:
    assert publish(database, DAY) == ""
    rows = all_views(sql)
    assert {view for view, shown in rows.items() if shown} == {"clusters", "models", "publications"}
    add_members(sql, 10 * K, DAY)
    assert publish(database, TOMORROW) == ""
    assert sql("SELECT members FROM analytics.rooms") == [(10 * K,)]
