"""Joins of many users at once: written together, each answered as if they had come alone."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import psycopg2
import pytest

from app.domain.members.joins import Join, JoinResult, batched_join
from app.infra.batcher import MAX_CONCURRENT_BATCHES
from app.infra.database import Conflict, Database
from model.predict import Model
from tests.support.databases import Sql
from tests.support.serving import until

THREADS = 8
ROUNDS = 25
ODD = [
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
    built: Database = app.extensions["nomad_rooms"].database
    return built


@pytest.fixture
def places(client: object, sql: Sql, model: Model) -> list[tuple[int, int]]:
    """The two first clusters' rooms of one city: (city, room)."""
    return sql(
        "INSERT INTO rooms (city_id, cluster_id)"
        " SELECT (SELECT min(id) FROM cities), unnest(%(clusters)s) RETURNING city_id, id",
        {"clusters": list(model.cluster_ids[:2])},
    )


def joining(user: str, place: tuple[int, int], model: Model, *interests: str) -> Join:
    return Join(user, *place, sorted(interests), model.id, datetime.now(UTC))


def at_once(
    database: Database, rounds: list[list[Join]]
) -> list[list[JoinResult | None | BaseException]]:
    """What each of a round's users is told when all of them come in the same instant."""
    join, barrier = batched_join(database), Barrier(THREADS)

    def come(one: Join) -> JoinResult | None:
        barrier.wait()
        return join(one)

    told: list[list[JoinResult | None | BaseException]] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for each in rounds:
            coming = [threads.submit(come, one) for one in each]
            told.append([one.exception() or one.result() for one in coming])
    return told


def test_users_who_come_at_once_are_written_together_and_answered_each_for_themselves(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    first, second = places
    new = [
        [joining(f"{n}-{user}", first, model, *ODD[: user * 2]) for user in range(THREADS)]
        for n in range(ROUNDS)
    ]
    moved = [
        [joining(one.user_id, second, model, *one.interests, "surf") for one in each]
        for each in new
    ]
    came, again, left = (at_once(database, rounds) for rounds in (new, new, moved))
    assert came == [[JoinResult(first[1], None, True)] * THREADS] * ROUNDS
    assert again == [[None] * THREADS] * ROUNDS
    assert left == [[JoinResult(second[1], first[1], True)] * THREADS] * ROUNDS
    stored: dict[str, list[str]] = dict(sql("SELECT user_id, interests FROM memberships"))
    assert stored == {one.user_id: one.interests for each in moved for one in each}
    ((users, transactions),) = sql("SELECT count(*), count(DISTINCT xmin::text) FROM memberships")
    assert transactions < users == THREADS * ROUNDS


def test_only_who_was_sent_to_a_vanished_room_is_told_so(
    database: Database, places: list[tuple[int, int]], model: Model
) -> None:
    city, room = places[0]
    rounds = [
        [
            joining(f"{n}-{user}", (city, -1 if user == n % THREADS else room), model, "surf")
            for user in range(THREADS)
        ]
        for n in range(ROUNDS)
    ]
    for n, told in enumerate(at_once(database, rounds)):
        assert isinstance(told.pop(n % THREADS), Conflict)
        assert told == [JoinResult(room, None, True)] * (THREADS - 1)


def test_one_user_who_comes_many_times_at_once_is_put_where_one_of_them_said(
    database: Database, places: list[tuple[int, int]], model: Model, sql: Sql
) -> None:
    rounds = [
        [joining(f"user-{n}", places[time % 2], model, f"{time}") for time in range(THREADS)]
        for n in range(ROUNDS)
    ]
    told = at_once(database, rounds)
    rooms = {room for _, room in places}
    assert all(
        isinstance(one, JoinResult) and one.room_id in rooms for each in told for one in each
    )
    assert sql("SELECT count(*) FROM memberships") == [(ROUNDS,)]


def test_a_user_who_is_held_up_holds_up_nobody_else(
    database: Database, places: list[tuple[int, int]], model: Model, database_url: str, sql: Sql
) -> None:
    join = batched_join(database)
    held = [f"held-{n}" for n in range(MAX_CONCURRENT_BATCHES)]
    for user in held:
        join(joining(user, places[0], model, "surf"))
    with psycopg2.connect(database_url) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT FROM memberships FOR UPDATE")
        with ThreadPoolExecutor(MAX_CONCURRENT_BATCHES) as threads:
            waiting: list[Future[JoinResult | None]] = [
                threads.submit(join, joining(user, places[1], model, "art")) for user in held
            ]
            until(
                lambda: (
                    sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    == [(MAX_CONCURRENT_BATCHES,)]
                )
            )
            assert join(joining("free", places[0], model, "surf"))
            assert not any(each.done() for each in waiting)
            holder.rollback()
            moved = JoinResult(places[1][1], places[0][1], True)
            assert [each.result() for each in waiting] == [moved] * MAX_CONCURRENT_BATCHES
