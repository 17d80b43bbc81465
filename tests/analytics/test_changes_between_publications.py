"""Cities, interests and clusters that change between two publications."""

from datetime import date, timedelta

import pytest

from app.domain.analytics.publication import publish
from app.infra.database import Database
from tests.support.analysts import SEVILLA, VIEWS, add_members, all_views
from tests.support.databases import DELETE_ALL, Sql
from tests.support.manage import run_manage

DAY = date(2026, 6, 1)
EARLIER, TOMORROW = DAY - timedelta(days=50), DAY + timedelta(days=1)
# A change that is shown at once.
MANY = 50
CITIES = "SELECT city, country, is_other, members_from_here FROM analytics.cities"


@pytest.fixture
def typed(sql: Sql) -> int:
    """A place that a user typed, with MANY people, of which no country is known."""
    sql(DELETE_ALL)
    ((city,),) = sql(
        "INSERT INTO cities (name, name_key) VALUES ('O''Vila %s \"x\"', 'ovila s x') RETURNING id"
    )
    add_members(sql, MANY, EARLIER, city=city)
    return int(city)


def test_a_typed_place_is_shown_by_its_name(sql: Sql, database: Database, typed: int) -> None:
    publish(database, DAY)
    assert sql(CITIES) == [('O\'Vila %s "x"', "unknown", False, MANY)]
    for view in ("rooms", "weekly_joins"):
        assert sql(f"SELECT city_id, country FROM analytics.{view}") == [(typed, "unknown")]


def test_a_typed_place_that_vanished_shows_nothing_of_its_last_user(
    sql: Sql, database: Database, typed: int
) -> None:
    publish(database, DAY)
    before = all_views(sql)
    sql("DELETE FROM memberships; DELETE FROM rooms; DELETE FROM cities WHERE NOT listed")
    assert all_views(sql) == before
    add_members(sql, MANY, DAY)
    publish(database, TOMORROW, salt=salt_that_draws(sql, typed))
    assert sql(CITIES) == [("Sevilla", "ES", False, MANY)]


def salt_that_draws(sql: Sql, city: int) -> int:
    """Return a salt by which the figures of a city are renewed."""
    ((salt,),) = sql(
        "SELECT min(salt) FROM generate_series(1, 1000) AS salt"
        " WHERE hashtextextended(%s, salt) %% 8 = 0",
        (str(city),),
    )
    return int(salt)


def test_a_merged_city_passes_its_people_on(
    sql: Sql, database: Database, database_url: str, typed: int
) -> None:
    add_members(sql, MANY, EARLIER)
    publish(database, DAY)
    command = ("cities", "merge", str(typed), str(SEVILLA), "--yes")
    done = run_manage(*command, DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    add_members(sql, 5, DAY, cluster=2)
    sql("UPDATE memberships SET joined_at = %s", (DAY,))
    assert publish(database, TOMORROW) == ""
    assert sql(CITIES) == [("Sevilla", "ES", False, 2 * MANY + 5)]
    assert sql("SELECT city, members FROM analytics.rooms WHERE cluster = 1") == [
        ("Sevilla", 2 * MANY)
    ]
    # A week that is over stays as it was.
    assert sql("SELECT sum(joins) FROM analytics.weekly_joins") == [(2 * MANY,)]


def test_a_renamed_place_is_shown_by_its_new_name(sql: Sql, database: Database, typed: int) -> None:
    publish(database, DAY)
    sql("UPDATE cities SET name = 'Vilanova', country_code = 'PT' WHERE id = %s", (typed,))
    assert sql(CITIES) == [("Vilanova", "PT", False, MANY)]


def test_interests_that_no_model_knows_are_shown_by_their_key(sql: Sql, database: Database) -> None:
    sql(DELETE_ALL)
    key = """it's "odd" {50%s}, \\ ñ"""
    sql("INSERT INTO analytics_settings VALUES (1, 5) ON CONFLICT DO NOTHING")
    add_members(sql, 20, EARLIER, interests="{surf}")
    add_members(sql, 10, EARLIER, interests='{"it\'s \\"odd\\" {50%s}, \\\\ ñ"}')
    publish(database, DAY)
    for view in ("interests", "city_interests", "interest_popularity"):
        assert sql(
            f"SELECT interest, interest_en, interest_group, members_who_like, members"
            f" FROM analytics.{view} WHERE interest <> 'surf'"
        ) == [(key, key, "unknown", 10, 30)]


def test_a_retired_cluster_keeps_its_members(sql: Sql, database: Database) -> None:
    sql(DELETE_ALL)
    add_members(sql, 20, EARLIER, cluster=2)
    sql("UPDATE clusters SET retired_at = now() WHERE id = 2")
    publish(database, DAY)
    sql("UPDATE clusters SET retired_at = NULL WHERE id = 2")
    assert sql("SELECT cluster, members, rooms FROM analytics.clusters WHERE members > 0") == [
        (2, 20, 1)
    ]


def test_areas_and_people_without_a_place_are_counted_and_not_mixed_with_cities(
    sql: Sql, database: Database
) -> None:
    sql(DELETE_ALL)
    for kind, number in (("city", 3), ("area", 3), ("placeless", 3), ("area", 4)):
        ((city,),) = sql(
            "INSERT INTO cities (name, name_key, kind) VALUES ('x', gen_random_uuid()::text, %s)"
            " RETURNING id",
            (kind,),
        )
        add_members(sql, number, EARLIER, city=city)
    publish(database, DAY)
    shown = "SELECT kind, country, is_other, {} FROM analytics.{}"
    for view, count in (("cities", "members_from_here"), ("rooms", "members")):
        assert sql(shown.format(count, view)) == [("area", "unknown", True, 5)], view


def test_no_view_fails_on_figures_of_an_earlier_release(sql: Sql, database: Database) -> None:
    sql(DELETE_ALL)
    sql("INSERT INTO published SELECT view, 'x', 5, '{}' FROM unnest(%s) AS view", (list(VIEWS),))
    all_views(sql)
