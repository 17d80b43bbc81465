"""`manage.py demo`."""

import json
from dataclasses import fields
from datetime import date

import numpy as np
import pytest

from app.domain.analytics.population import Population, Towns, draw
from model.predict import Model
from tests.support.databases import DELETE_ALL, Sql
from tests.support.manage import Manage, run_manage

PEOPLE = ("--users", "300", "--seed", "7", "--until", "2025-06-29")


@pytest.fixture
def demo_command(sql: Sql, database_url: str) -> Manage:
    """Run `manage.py demo` on a database without members."""
    sql(DELETE_ALL)
    return lambda *arguments: run_manage(
        "demo", *arguments, DATABASE_URL=database_url, APP_ENV="testing"
    )


def test_people_are_created_once_and_removed(demo_command: Manage, sql: Sql) -> None:
    planned = demo_command(*PEOPLE, "--dry-run")
    assert "300 demo people" in planned.stdout
    assert sql("SELECT count(*) FROM memberships") == [(0,)]
    planned = demo_command(*PEOPLE, "--dry-run", "--json")
    assert json.loads(planned.stdout) == {"users": 300, "until": "2025-06-29"}
    assert demo_command(*PEOPLE).returncode == 1  # no terminal to confirm
    done = demo_command(*PEOPLE, "--yes", "--json")
    assert json.loads(done.stdout)["users"] == 300, done.stderr
    twice = demo_command(*PEOPLE, "--yes")
    assert (twice.returncode, "--remove" in twice.stderr) == (1, True)
    assert sql("SELECT count(*), min(user_id) FROM memberships") == [(300, "demo-000001")]
    assert demo_command("--remove", "--yes").returncode == 0
    assert sql("SELECT count(*) FROM memberships") == [(0,)]


def test_the_same_seed_draws_the_same_people_and_another_seed_others(model: Model) -> None:
    generator = np.random.default_rng(0)
    towns = Towns(
        np.arange(50),
        generator.random(50),
        generator.uniform(40, 41, (50, 2)),
        np.full(50, "ES"),
        np.full(50, True),
    )
    first, repeated, other = (
        draw(towns, model, 500, seed, date(2025, 6, 29)) for seed in (1, 1, 2)
    )
    for field in fields(Population):
        assert np.array_equal(getattr(first, field.name), getattr(repeated, field.name)), field.name
    assert not np.array_equal(first.profiles, other.profiles)
    assert set(first.clusters) <= set(model.cluster_ids)


def test_production_refuses_demo_people(database_url: str, sql: Sql) -> None:
    sql(DELETE_ALL)
    done = run_manage("demo", "--yes", DATABASE_URL=database_url, APP_ENV="production")
    assert (done.returncode, "production" in done.stderr) == (1, True)
    assert sql("SELECT count(*) FROM memberships") == [(0,)]


def test_the_population_respects_the_rules_of_the_tables(demo: Sql) -> None:
    for violations in (
        # Members are in a room of the city that hosts their town.
        "SELECT count(*) FROM memberships AS m JOIN rooms ON rooms.id = room_id"
        " JOIN cities AS town ON town.id = m.city_id"
        " WHERE rooms.city_id <> coalesce(town.hub_id, town.id)",
        "SELECT count(*) FROM cities AS town JOIN cities AS hub ON hub.id = town.hub_id"
        " WHERE hub.hub_id IS NOT NULL",
        "SELECT count(*) FROM memberships WHERE joined_at < created_at OR interests = '{}'",
        "SELECT count(*) FROM memberships WHERE joined_at > '2025-07-01' OR"
        " created_at < '2024-07-01'",
        "SELECT count(*) FROM memberships WHERE previous_room_id NOT IN (SELECT id FROM rooms)"
        " AND previous_room_id NOT IN (SELECT id FROM room_redirects)",
        "SELECT count(*) FROM memberships WHERE user_id NOT LIKE 'demo-%'",
    ):
        assert demo(violations) == [(0,)], violations
    ((moved, gathered, unlisted),) = demo(
        "SELECT (SELECT count(*) FROM memberships WHERE previous_room_id IS NOT NULL),"
        " (SELECT count(*) FROM room_changes WHERE reason = 'gather'),"
        " (SELECT count(*) FROM memberships JOIN cities ON cities.id = city_id WHERE NOT listed)"
    )
    assert min(moved, gathered, unlisted) > 20
