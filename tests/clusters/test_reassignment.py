"""model reassign, on a database without other clients."""

import json
from collections import Counter
from typing import Any

import pytest

from app.domain.cities.city import Place
from app.domain.clusters import reassignment
from app.domain.clusters.member_batches import read_batches
from app.domain.clusters.reassignment import CannotReassign, Reassigner
from app.domain.moves.relocation import in_transaction
from app.domain.runs.admin_runs import record_run
from app.services import Services
from model.nnls import TIE_RATIO
from model.predict import Model
from tests.support.databases import Sql, sql_on
from tests.support.manage import run_manage
from tests.support.members import place_anywhere
from tests.support.models import MakeModel

MEMBERS = 3_000


@pytest.fixture
def sql(url: str) -> Sql:
    return sql_on(url)


def no_progress(step: str, total: int) -> None: ...


def reassign(services: Services, model: Model, min_gain: float = 0.25) -> dict[str, int]:
    reassigner = Reassigner(services.database, model, min_gain)
    with record_run(services.database, "model reassign", {}) as run:
        reassigner.move(run, no_progress)
    return {name: run.counts.get(name, 0) for name in reassignment.COUNTS}


def read_members(sql: Sql) -> dict[str, tuple[Any, ...]]:
    """Return room, cluster, cities, interests, previous room and model by user."""
    return {
        row[0]: row[1:]
        for row in sql(
            "SELECT user_id, room_id, cluster_id, rooms.city_id, memberships.city_id, interests,"
            " previous_room_id, model_id"
            " FROM memberships JOIN rooms ON rooms.id = room_id"
        )
    }


def test_only_members_with_a_large_enough_gain_move(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, MEMBERS)
    before = read_members(sql)
    rooms_before = dict(sql("SELECT id, cluster_id FROM rooms"))
    counts = reassign(services, model)
    after = read_members(sql)
    moved = set()
    for user, (room, old, city, town, interests, *_) in before.items():
        weights = dict(zip(model.cluster_ids, model.weights(interests), strict=True))
        best = model.predict(interests)
        moves = best != old and weights[best] * TIE_RATIO > 1.25 * weights[old]
        now = after[user]
        assert now[1] == (best if moves else old)
        assert now[2:5] == (city, town, interests)
        assert now[5] == (room if moves else None)
        if moves:
            moved.add((user, room, now[0]))
    assert counts["people_moved"] == len(moved) > MEMBERS / 4
    changes = sql("SELECT user_id, from_room, to_room FROM room_changes WHERE reason = 'reassign'")
    assert len(changes) == len(moved)
    assert set(changes) == moved
    rooms_after = dict(sql("SELECT id, cluster_id FROM rooms"))
    assert {room: rooms_after[room] for room in rooms_before} == rooms_before
    assert reassign(services, model)["people_moved"] == 0


def test_members_of_a_retired_cluster_always_move_and_a_tie_is_no_gain(
    services: Services,
    url: str,
    model: Model,
    sql: Sql,
    make_model: MakeModel,
    unlike_all: list[float],
) -> None:
    services.clusters.register(make_model("newer", (1, 2, 3, 4, 5), c5=unlike_all))
    place_anywhere(url, model, 500)
    sql("UPDATE memberships SET interests = '{unheard-of}' WHERE user_id = 'member-00000000'")
    services.clusters.register(model)
    plan = Reassigner(services.database, model, 100).plan(no_progress)
    ((in_five,),) = sql(
        "SELECT count(*) FROM memberships JOIN rooms ON rooms.id = room_id WHERE cluster_id = 5"
        " AND interests <> '{unheard-of}'"
    )
    assert sum(n for (old, new), n in plan.matrix.items() if old == 5 != new) == in_five > 50
    # A member without an interest that the model knows stays, and is counted.
    assert plan.unknown == 1
    reassign(services, model, min_gain=0)
    for user, (_, cluster, *_, interests, _, _) in read_members(sql).items():
        if interests != ["unheard-of"]:
            assert cluster == model.predict(interests), user
    assert reassign(services, model, min_gain=0)["people_moved"] == 0


def test_towns_keep_their_hub_and_merged_cities_are_followed(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, 400, towns=3)
    (hub, town, merged) = (row[0] for row in sql("SELECT DISTINCT city_id FROM rooms ORDER BY 1"))
    # The state after an interrupted gather and merge: pointers are set, people not yet moved.
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub, town))
    sql("UPDATE cities SET merged_into = %s WHERE id = %s", (hub, merged))
    reassign(services, model)
    moved = sql(
        "SELECT DISTINCT rooms.city_id, memberships.city_id FROM memberships"
        " JOIN rooms ON rooms.id = room_id WHERE previous_room_id IS NOT NULL ORDER BY 2"
    )
    assert moved == sorted([(hub, hub), (hub, town)], key=lambda pair: pair[1])


def test_members_who_changed_since_they_were_read_are_skipped(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, 30, towns=1)
    ((batch, _),) = read_batches(services.database, model)
    movers = [(m, c) for m in batch.members for c in model.cluster_ids if c == m.cluster % 4 + 1]
    other_room = sql("SELECT max(id) FROM rooms")[0][0] - 1
    changes = (
        ("interests = '{surf}'", "member-00000000"),
        (f"room_id = {other_room + 1}", "member-00000001"),
        ("city_id = (SELECT max(id) FROM cities WHERE listed)", "member-00000002"),
    )
    for change, user in changes:
        sql(f"UPDATE memberships SET {change} WHERE user_id = %s", (user,))
    sql("DELETE FROM memberships WHERE user_id = 'member-00000003'")
    before = read_members(sql)
    reassigner = Reassigner(services.database, model, 0)
    with record_run(services.database, "model reassign", {}) as run:
        _, moved = in_transaction(
            services.database, lambda connection: reassigner.move_batch(movers, run.id, connection)
        )
    after = read_members(sql)
    skipped = {user for user in after if after[user] == before[user]}
    assert skipped == {"member-00000000", "member-00000001", "member-00000002"}
    assert moved == 26


def test_the_command_shows_the_matrix_needs_confirmation_and_records_its_run(
    url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, 400)

    def manage(*arguments: str) -> Any:
        return run_manage("model", "reassign", *arguments, DATABASE_URL=url)

    plan = json.loads(manage("--dry-run", "--json").stdout)
    assert plan["members"] == 400 == sum(sum(row.values()) for row in plan["matrix"].values())
    assert plan["would_move"] > 0
    table = manage("--dry-run").stdout
    assert "from cluster" in table
    assert f"{plan['would_move']} of 400 members move" in table
    refused = manage()
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert sql("SELECT count(*) FROM admin_runs") == [(0,)]
    assert Counter(row[1] for row in read_members(sql).values())[1] > 0
    document = json.loads(manage("--yes", "--json").stdout)
    assert document["people_moved"] == plan["would_move"]
    ((arguments, counts, status),) = sql("SELECT arguments, counts, status FROM admin_runs")
    assert arguments == {"model_id": model.id, "min_gain": 0.25}
    assert (counts["people_moved"], status) == (plan["would_move"], "done")
    assert json.loads(manage("--dry-run", "--json").stdout)["would_move"] == 0
    for wrong in ("-1", "nan", "101", "x"):
        refused = manage("--min-gain", wrong, "--dry-run")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_only_the_model_in_service_can_reassign(
    services: Services, url: str, model: Model, make_model: MakeModel
) -> None:
    services.clusters.register(make_model("newer"))
    with pytest.raises(CannotReassign):
        reassign(services, model)
    result = run_manage("model", "reassign", "--yes", DATABASE_URL=url)
    assert result.returncode == 1
    assert "model newer is in service" in result.stderr


def test_a_join_by_the_previous_model_into_a_retired_cluster_is_moved_by_the_next_run(
    services: Services,
    model: Model,
    sql: Sql,
    make_model: MakeModel,
    unlike_all: list[float],
) -> None:
    """During a deploy, processes of the previous release still run."""
    newer = make_model("newer", (1, 2, 4, 5), retired=(3,), c5=unlike_all)
    services.clusters.register(newer)
    interests = ["drinks", "parties", "concerts"]
    assert model.predict(interests) == 3
    late = services.assigner.assign("late", interests, Place("Vigo", "ES"))
    assert (late.placement.cluster, late.created) == (3, True)
    assert services.readiness.problems() == []
    assert reassign(services, newer)["people_moved"] == 1
    assert read_members(sql)["late"][1] == newer.predict(interests)
    # The room keeps its number, for a rollback.
    assert sql("SELECT cluster_id FROM rooms WHERE id = %s", (late.placement.room_id,)) == [(3,)]
