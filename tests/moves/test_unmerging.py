"""cities unmerge: a merge is taken back, with all who gave the city."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.domain.clusters.member_batches import read_batches
from app.domain.clusters.reassignment import Reassigner
from app.domain.moves import gathering, merging, unmerging
from app.domain.moves.relocation import Relocation
from app.domain.runs.admin_runs import record_run
from model.predict import Model
from tests.moves.test_relocation import act, changes, client, join, sql, url  # noqa: F401
from tests.support.databases import Sql
from tests.support.http import profile_of
from tests.support.manage import run_manage
from tests.support.user_files import import_users, write_csv

WRONG, RIGHT = "Vila Errada", "Vigo"
Act = Callable[..., dict[str, int]]
CITIES = "SELECT user_id, city.name FROM memberships JOIN cities AS city ON city.id = city_id"


@pytest.fixture
def cities(client: FlaskClient) -> tuple[int, int]:  # noqa: F811
    """The ids of a wrong city with a member and of the right one with a member."""
    wrong, right = join(client, "wrong", WRONG), join(client, "right", RIGHT)
    return wrong["city"]["id"], right["city"]["id"]


def said(sql: Sql) -> dict[str, str]:  # noqa: F811
    """Return the name of each member's city."""
    return dict(sql(CITIES))


def test_an_unmerge_takes_back_names_rooms_and_people(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    model: Model,
) -> None:
    one, other = (tuple(profile_of(model, cluster)) for cluster in model.cluster_ids[:2])
    room = join(client, "stays", WRONG, one)["room_id"]
    join(client, "changes", WRONG, one)
    join(client, "corrects", WRONG, one)
    join(client, "means-wrong", RIGHT, one)
    act("merge", merging.merge, *cities)
    # The city stays the same: nobody moves, and what they said is kept.
    assert not join(client, "corrects", RIGHT, one)["joined"]
    assert not join(client, "means-wrong", WRONG, one)["joined"]
    join(client, "changes", WRONG, other)
    join(client, "by-name", WRONG.upper(), one)
    body = {"_id": "by-id", "city_id": cities[0], "interests": one}
    assert client.post("/rooms", json=body).json["city"]["id"] == cities[1]
    join(client, "leaves", WRONG, one)
    join(client, "leaves", RIGHT, other)
    assert client.get("/users/by-id").json["said_city_id"] == cities[0]
    assert client.get(f"/rooms/{room}").status_code == 308
    moved = act("unmerge", unmerging.unmerge, cities[0])["people_moved"]
    back = {"wrong", "stays", "changes", "by-name", "by-id", "means-wrong"}
    assert moved == len(back)
    for user in back:
        record = client.get(f"/users/{user}").json
        assert (record["city"]["id"], record["said_city_id"]) == (cities[0], None), user
        (move,) = (move for move in record["moves"] if move["reason"] == "unmerge")
        assert move["to_room"] == record["room_id"]
    for user in ("right", "leaves"):
        assert client.get(f"/users/{user}").json["city"]["id"] == cities[1]
    assert client.get("/users/stays").json["room_id"] == room
    assert client.get(f"/rooms/{room}").status_code == 200
    assert {user for user, *_, reason in changes(client) if reason == "unmerge"} == back
    again = join(client, "stays", WRONG, one)
    assert (again["city"]["id"], again["room_id"], again["joined"]) == (cities[0], room, False)
    assert join(client, "new", WRONG, one)["room_id"] == room


def test_of_a_chain_of_merges_each_is_taken_back_by_itself(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    sql: Sql,  # noqa: F811
) -> None:
    first = join(client, "first", "Vila Primera")
    act("merge", merging.merge, first["city"]["id"], cities[0])
    act("merge", merging.merge, *cities)
    act("unmerge", unmerging.unmerge, cities[0])
    assert said(sql) == {"first": RIGHT, "wrong": WRONG, "right": RIGHT}
    act("unmerge", unmerging.unmerge, first["city"]["id"])
    assert said(sql) == {"first": "Vila Primera", "wrong": WRONG, "right": RIGHT}
    assert client.get("/users/first").json["room_id"] == first["room_id"]
    assert sql("SELECT count(*) FROM room_redirects") == [(0,)]
    act("merge", merging.merge, *cities)
    assert said(sql) == {"first": "Vila Primera", "wrong": RIGHT, "right": RIGHT}


def interrupt(client: FlaskClient, city: int) -> None:  # noqa: F811
    """Stop an unmerge after it has cleared the pointer."""
    database = client.application.extensions["nomad_rooms"].database

    def stop(step: str, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), record_run(database, "cities unmerge", {}) as run:
        unmerging.unmerge(Relocation(database, run, "unmerge", stop), city)


def test_people_are_returned_by_a_second_run_after_an_interrupted_one(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    sql: Sql,  # noqa: F811
) -> None:
    database = client.application.extensions["nomad_rooms"].database
    act("merge", merging.merge, *cities)
    interrupt(client, cities[0])
    assert said(sql)["wrong"] == RIGHT
    plan = unmerging.plan_unmerge(database, cities[0])
    assert (plan.into_id, plan.people) == (None, 1)
    act("unmerge", unmerging.unmerge, cities[0])
    assert said(sql) == {"wrong": WRONG, "right": RIGHT}
    with pytest.raises(unmerging.CannotUnmerge, match="not merged"):
        unmerging.plan_unmerge(database, cities[0])


def test_people_are_returned_after_an_interrupted_run_and_a_merge_of_the_other_city(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    sql: Sql,  # noqa: F811
) -> None:
    database = client.application.extensions["nomad_rooms"].database
    other = join(client, "other", "Vila Terceira")
    act("merge", merging.merge, cities[0], other["city"]["id"])
    interrupt(client, cities[0])
    act("merge", merging.merge, other["city"]["id"], cities[1])
    room = client.get("/users/right").json["room_id"]
    assert client.get("/users/wrong").json["room_id"] == room
    assert unmerging.plan_unmerge(database, cities[0]).people == 1
    act("unmerge", unmerging.unmerge, cities[0])
    assert said(sql) == {"wrong": WRONG, "other": RIGHT, "right": RIGHT}
    assert client.get("/users/wrong").json["room_id"] != room
    assert sql("SELECT merged_at FROM cities WHERE id = %s", (cities[0],)) == [(None,)]
    with pytest.raises(unmerging.CannotUnmerge, match="not merged"):
        unmerging.plan_unmerge(database, cities[0])


def test_people_who_were_imported_gathered_and_reassigned_meanwhile_return_too(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    sql: Sql,  # noqa: F811
    url: str,  # noqa: F811
    model: Model,
    tmp_path: Path,
) -> None:
    database = client.application.extensions["nomad_rooms"].database
    act("merge", merging.merge, *cities)
    row = {"_id": "imported", "city": WRONG, "country": "ES", "interests": "surf"}
    import_users(url, write_csv(tmp_path / "users.csv", [row]))
    hub = join(client, "hub", "Pontevedra")["city"]["id"]
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub, cities[1]))
    act("gather", lambda relocation: relocation.relocate([cities[1]]))
    assert client.get("/users/imported").json["room_id"] == client.get("/users/hub").json["room_id"]
    ((batch, _),) = read_batches(database, model)
    movers = [(member, member.cluster % 4 + 1) for member in batch.members]
    with record_run(database, "model reassign", {}) as run, database.transaction() as connection:
        Reassigner(database, model, 0.25).move_batch(movers, run.id, connection)
    act("unmerge", unmerging.unmerge, cities[0])
    act("release", gathering.release, [cities[1]])
    assert said(sql) == {
        "wrong": WRONG,
        "imported": WRONG,
        "right": RIGHT,
        "hub": "Pontevedra",
    }
    assert sql(
        "SELECT count(*) FROM memberships AS member JOIN rooms ON rooms.id = room_id"
        " WHERE rooms.city_id <> member.city_id OR said_city_id IS NOT NULL"
    ) == [(0,)]


@pytest.mark.parametrize("is_gathered_first", [False, True])
@pytest.mark.parametrize("is_typed_first", [False, True])
def test_a_city_reopens_its_own_rooms_and_not_those_of_a_place_that_is_gone(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    sql: Sql,  # noqa: F811
    is_gathered_first: bool,
    is_typed_first: bool,
) -> None:
    names = {"wrong": WRONG, "right": RIGHT, "hub": "Pontevedra"}
    order = sorted(names, reverse=is_typed_first)
    joined = {user: join(client, user, names[user]) for user in order}
    wrong, right, hub = (joined[user]["city"]["id"] for user in names)

    def gather() -> None:
        sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub, right))
        act("gather", lambda relocation: relocation.relocate([right]))

    if is_gathered_first:
        gather()
    act("merge", merging.merge, wrong, right)
    client.delete("/users/wrong")
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]
    if not is_gathered_first:
        gather()
    act("release", gathering.release, [right])
    room = joined["right"]["room_id"]
    assert client.get("/users/right").json["room_id"] == room
    led = client.get(f"/rooms/{joined['wrong']['room_id']}")
    assert (led.status_code, led.headers["Location"]) == (308, str(room))


def test_the_command_says_what_returns_and_records_its_run(
    client: FlaskClient,  # noqa: F811
    act: Act,  # noqa: F811
    cities: tuple[int, int],
    sql: Sql,  # noqa: F811
    url: str,  # noqa: F811
) -> None:
    act("merge", merging.merge, *cities)
    unmerge = ("cities", "unmerge", str(cities[0]))
    shown = f"{WRONG} ({cities[0]}) becomes a city apart from {RIGHT} ({cities[1]})"
    dry = run_manage(*unmerge, "--dry-run", DATABASE_URL=url).stdout
    assert dry == f"{shown}: 1 people return, 1 rooms open again\n"
    assert run_manage(*unmerge, DATABASE_URL=url).returncode == 1
    assert said(sql)["wrong"] == RIGHT
    done = run_manage(*unmerge, "--yes", DATABASE_URL=url)
    assert done.stdout == "unmerged: 1 people moved\n"
    run = "SELECT command, arguments, status FROM admin_runs ORDER BY id DESC LIMIT 1"
    assert sql(run) == [("cities unmerge", {"city_id": cities[0]}, "done")]
    for city, message in ((cities[0], "not merged"), (7, "cities find")):
        refused = run_manage("cities", "unmerge", str(city), "--yes", DATABASE_URL=url)
        assert (refused.returncode, message in refused.stderr) == (1, True)
