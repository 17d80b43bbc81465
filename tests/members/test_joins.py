"""Concurrent joins: written in one batch, each with the result that it would have alone."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import psycopg2
import pytest

from app.domain.members.joins import Join, JoinResult
from app.domain.members.repository import Members
from app.infra.batcher import MAX_CONCURRENT_BATCHES
from app.infra.database import Conflict, Database
from model.predict import Model
from tests.support.databases import Sql
from tests.support.serving import wait_until

THREADS = 8
ROUNDS = 25
VALID = timedelta(hours=1)
# Of this database: other tests wait for locks of theirs.
LOCK_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
ODD_KEYS = [
    "",
    "a,b",
    "a b",
    '"',
    "'",
    "\\",
    "{}",
    "NULL",
    "null",
    "%s",
    "%(user0)s",
    "ñandú",
    "写真",
    "🏄",
]


@pytest.fixture
def database(app: Any) -> Database:
    database: Database = app.extensions["nomad_rooms"].database
    return database


@pytest.fixture
def places(client: object, sql: Sql, model: Model) -> list[tuple[int, int]]:
    """Two rooms of one city, for the first two clusters: (city, room)."""
    return sql(
        "INSERT INTO rooms (city_id, cluster_id)"
        " SELECT (SELECT min(id) FROM cities), unnest(%(clusters)s) RETURNING city_id, id",
        {"clusters": list(model.cluster_ids[:2])},
    )


def make_join(
    user: str, place: tuple[int, int], model: Model, *interests: str, valid_for: timedelta = VALID
) -> Join:
    now = datetime.now(UTC)
    city, room = place
    return Join(user, city, city, room, sorted(interests), model.id, now, now + valid_for)


def join_concurrently(
    database: Database, rounds: list[list[Join]]
) -> list[list[JoinResult | None | BaseException]]:
    """Return, for each round, the results of joins that start at the same instant."""
    join, barrier = Members(database).join, Barrier(THREADS)

    def run(one: Join) -> JoinResult | None:
        barrier.wait()
        return join(one)

    results: list[list[JoinResult | None | BaseException]] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for joins in rounds:
            futures = [threads.submit(run, one) for one in joins]
            results.append([future.exception() or future.result() for future in futures])
    return results


def test_concurrent_joins_share_transactions_and_each_gets_its_own_result(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    first, second = places
    new = [
        [make_join(f"{n}-{user}", first, model, *ODD_KEYS[: user * 2]) for user in range(THREADS)]
        for n in range(ROUNDS)
    ]
    moved = [
        [make_join(join.user_id, second, model, *join.interests, "surf") for join in joins]
        for joins in new
    ]
    joined, repeated, left = (join_concurrently(database, rounds) for rounds in (new, new, moved))
    assert joined == [[JoinResult(first[1], None, True)] * THREADS] * ROUNDS
    assert repeated == [[None] * THREADS] * ROUNDS
    assert left == [[JoinResult(second[1], first[1], True)] * THREADS] * ROUNDS
    stored: dict[str, list[str]] = dict(sql("SELECT user_id, interests FROM memberships"))
    assert stored == {join.user_id: join.interests for joins in moved for join in joins}
    ((users, transactions),) = sql("SELECT count(*), count(DISTINCT xmin::text) FROM memberships")
    assert transactions < users == THREADS * ROUNDS


def test_joins_go_one_by_one_where_the_database_says_so(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    before = sql("DELETE FROM join_settings RETURNING is_grouped")
    sql("INSERT INTO join_settings (id, is_grouped) VALUES (1, false)")
    try:
        joins = [
            [make_join(f"{n}-{user}", places[0], model, "surf") for user in range(THREADS)]
            for n in range(ROUNDS)
        ]
        joined = join_concurrently(database, joins)
    finally:
        sql("DELETE FROM join_settings")
        for (is_grouped,) in before:
            sql("INSERT INTO join_settings (id, is_grouped) VALUES (1, %s)", (is_grouped,))
    assert joined == [[JoinResult(places[0][1], None, True)] * THREADS] * ROUNDS
    ((users, transactions),) = sql("SELECT count(*), count(DISTINCT xmin::text) FROM memberships")
    assert transactions == users == THREADS * ROUNDS


def test_a_vanished_room_fails_only_its_own_user(
    database: Database, places: list[tuple[int, int]], model: Model
) -> None:
    city, room = places[0]
    rounds = [
        [
            make_join(f"{n}-{user}", (city, -1 if user == n % THREADS else room), model, "surf")
            for user in range(THREADS)
        ]
        for n in range(ROUNDS)
    ]
    for n, results in enumerate(join_concurrently(database, rounds)):
        assert isinstance(results.pop(n % THREADS), Conflict)
        assert results == [JoinResult(room, None, True)] * (THREADS - 1)


def test_a_room_that_was_looked_up_too_long_ago_fails_only_its_own_user(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    rounds = [
        [
            make_join(
                f"{n}-{user}",
                places[0],
                model,
                "surf",
                valid_for=-VALID if user == n % THREADS else VALID,
            )
            for user in range(THREADS)
        ]
        for n in range(ROUNDS)
    ]
    for n, results in enumerate(join_concurrently(database, rounds)):
        assert isinstance(results.pop(n % THREADS), Conflict)
        assert results == [JoinResult(places[0][1], None, True)] * (THREADS - 1)
    assert sql("SELECT count(*) FROM memberships") == [(ROUNDS * (THREADS - 1),)]


def test_concurrent_joins_of_one_user_end_in_one_of_the_rooms(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    rounds = [
        [make_join(f"user-{n}", places[time % 2], model, f"{time}") for time in range(THREADS)]
        for n in range(ROUNDS)
    ]
    rooms = {room for _, room in places}
    for results in join_concurrently(database, rounds):
        assert all(isinstance(one, JoinResult) and one.room_id in rooms for one in results)
    assert sql("SELECT count(*) FROM memberships") == [(ROUNDS,)]


def test_a_locked_user_does_not_delay_other_users(
    database: Database, places: list[tuple[int, int]], model: Model, database_url: str, sql: Sql
) -> None:
    join = Members(database).join
    locked = [f"locked-{n}" for n in range(MAX_CONCURRENT_BATCHES)]
    for user in locked:
        join(make_join(user, places[0], model, "surf"))
    with psycopg2.connect(database_url) as holder, holder.cursor() as cursor:
        for user in locked:  # on Citus only the rows of one shard can be locked at once
            cursor.execute("SELECT FROM memberships WHERE user_id = %s FOR UPDATE", (user,))
        with ThreadPoolExecutor(MAX_CONCURRENT_BATCHES) as threads:
            waiting: list[Future[JoinResult | None]] = [
                threads.submit(join, make_join(user, places[1], model, "art")) for user in locked
            ]
            wait_until(lambda: sql(LOCK_WAITS) == [(MAX_CONCURRENT_BATCHES,)])
            assert join(make_join("free", places[0], model, "surf"))
            assert not any(future.done() for future in waiting)
            holder.rollback()
            moved = JoinResult(places[1][1], places[0][1], True)
            assert [future.result() for future in waiting] == [moved] * MAX_CONCURRENT_BATCHES
