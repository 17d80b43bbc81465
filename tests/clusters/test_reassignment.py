"""model reassign, on a quiet database."""

import json
from collections import Counter
from typing import Any

import pytest

from app.domain.cities.repository import Place
from app.domain.clusters import reassignment
from app.domain.clusters.member_batches import read
from app.domain.clusters.reassignment import CannotReassign, Reassigner
from app.domain.moves.relocation import in_transaction
from app.domain.runs.admin_runs import recorded
from app.services import Services
from model.nnls import TIE
from model.predict import Model
from tests.clusters.conftest import MakeModel
from tests.support.databases import Sql, sql_on
from tests.support.manage import run_manage
from tests.support.members import place_anywhere

MEMBERS = 3_000


@pytest.fixture
def sql(url: str) -> Sql:
    return sql_on(url)


def quiet(step: str, total: int) -> None: ...


def reassigned(services: Services, model: Model, min_gain: float = 0.25) -> dict[str, int]:
    reassigner = Reassigner(services.database, model, min_gain)
    with recorded(services.database, "model reassign", {}) as run:
        reassigner.move(run, 1, quiet)
    return {name: run.counts.get(name, 0) for name in reassignment.COUNTED}


def standing(sql: Sql) -> dict[str, tuple[Any, ...]]:
    """Room, cluster, city and interests of each member."""
    return {
        row[0]: row[1:]
        for row in sql(
            "SELECT user_id, room_id, cluster_id, rooms.city_id, memberships.city_id, interests,"
            " previous_room_id, model_id"
            " FROM memberships JOIN rooms ON rooms.id = room_id"
        )
    }


def test_members_move_where_the_gain_is_large_enough_and_nobody_else_does(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, MEMBERS)
    before = standing(sql)
    rooms_before = dict(sql("SELECT id, cluster_id FROM rooms"))
    counts = reassigned(services, model)
    after = standing(sql)
    moved = set()
    for user, (room, old, city, town, interests, *_) in before.items():
        weights = dict(zip(model.cluster_ids, model.weights(interests), strict=True))
        best = model.predict(interests)
        goes = best != old and weights[best] * TIE > 1.25 * weights[old]
        now = after[user]
        assert now[1] == (best if goes else old)
        assert now[2:5] == (city, town, interests)
        assert now[5] == (room if goes else None)
        if goes:
            moved.add((user, room, now[0]))
    assert counts["people_moved"] == len(moved) > MEMBERS / 4
    told = sql("SELECT user_id, from_room, to_room FROM room_changes WHERE reason = 'reassign'")
    assert len(told) == len(moved)
    assert set(told) == moved
    rooms_after = dict(sql("SELECT id, cluster_id FROM rooms"))
    assert {room: rooms_after[room] for room in rooms_before} == rooms_before
    assert reassigned(services, model)["people_moved"] == 0


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
    plan = Reassigner(services.database, model, 100).plan(quiet)
    ((in_five,),) = sql(
        "SELECT count(*) FROM memberships JOIN rooms ON rooms.id = room_id WHERE cluster_id = 5"
        " AND interests <> '{unheard-of}'"
    )
    assert sum(n for (old, new), n in plan.matrix.items() if old == 5 != new) == in_five > 50
    # Whose interests the model does not know at all stays, and is told of.
    assert plan.unknown == 1
    reassigned(services, model, min_gain=0)
    for user, (_, cluster, *_, interests, _, _) in standing(sql).items():
        if interests != ["unheard-of"]:
            assert cluster == model.predict(interests), user
    assert reassigned(services, model, min_gain=0)["people_moved"] == 0


def test_towns_keep_their_hub_and_merged_cities_are_followed(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, 400, towns=3)
    (hub, town, gone) = (row[0] for row in sql("SELECT DISTINCT city_id FROM rooms ORDER BY 1"))
    # As an interrupted gather and merge leave them: signposts set, people still to be brought over.
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub, town))
    sql("UPDATE cities SET merged_into = %s WHERE id = %s", (hub, gone))
    reassigned(services, model)
    moved = sql(
        "SELECT DISTINCT rooms.city_id, memberships.city_id FROM memberships"
        " JOIN rooms ON rooms.id = room_id WHERE previous_room_id IS NOT NULL ORDER BY 2"
    )
    assert moved == sorted([(hub, hub), (hub, town)], key=lambda pair: pair[1])


def test_who_changed_since_they_were_read_is_left_alone(
    services: Services, url: str, model: Model, sql: Sql
) -> None:
    place_anywhere(url, model, 30, towns=1)
    (batch,) = read(services.database, model)
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
    before = standing(sql)
    reassigner = Reassigner(services.database, model, 0)
    with recorded(services.database, "model reassign", {}) as run:
        _, moved = in_transaction(
            services.database, lambda connection: reassigner.move_batch(movers, run.id, connection)
        )
    after = standing(sql)
    left_alone = {user for user in after if after[user] == before[user]}
    assert left_alone == {"member-00000000", "member-00000001", "member-00000002"}
    assert moved == 26


def test_the_command_shows_the_matrix_asks_and_leaves_its_run(
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
    assert Counter(row[1] for row in standing(sql).values())[1] > 0
    done = json.loads(manage("--yes", "--json").stdout)
    assert done["people_moved"] == plan["would_move"]
    ((arguments, counts, status),) = sql("SELECT arguments, counts, status FROM admin_runs")
    assert arguments == {"model_id": model.id, "min_gain": 0.25}
    assert (counts["people_moved"], status) == (plan["would_move"], "done")
    assert json.loads(manage("--dry-run", "--json").stdout)["would_move"] == 0
    for wrong in ("-1", "nan", "101", "x"):
        refused = manage("--min-gain", wrong, "--dry-run")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_code_of_another_model_than_the_one_in_service_reassigns_nobody(
    services: Services, url: str, model: Model, make_model: MakeModel
) -> None:
    services.clusters.register(make_model("newer"))
    with pytest.raises(CannotReassign):
        reassigned(services, model)
    done = run_manage("model", "reassign", "--yes", DATABASE_URL=url)
    assert done.returncode == 1
    assert "model newer is in service" in done.stderr


def test_a_join_of_the_model_before_lands_in_a_retired_cluster_and_the_next_run_mends_it(
    services: Services,
    model: Model,
    sql: Sql,
    make_model: MakeModel,
    unlike_all: list[float],
) -> None:
    """The overlap of a deploy: processes of the release before are still there."""
    newer = make_model("newer", (1, 2, 4, 5), retired=(3,), c5=unlike_all)
    services.clusters.register(newer)
    ticked = ["drinks", "parties", "concerts"]
    assert model.predict(ticked) == 3
    landed = services.assigner.assign("late", ticked, Place("Vigo", "ES"))
    assert (landed.placement.cluster, landed.created) == (3, True)
    assert services.readiness.problems() == []
    assert reassigned(services, newer)["people_moved"] == 1
    assert standing(sql)["late"][1] == newer.predict(ticked)
    # The room stays what it was, for a rollback.
    assert sql("SELECT cluster_id FROM rooms WHERE id = %s", (landed.placement.room_id,)) == [(3,)]
