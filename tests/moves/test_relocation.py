"""cities merge, gather and release, on a database without other clients."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.domain.moves import gathering, merging, relocation
from app.domain.moves.relocation import Relocation
from app.domain.runs.admin_runs import record_run
from tests.support.databases import Sql, settings_of, sql_on
from tests.support.manage import run_manage
from tests.support.serving import KEY

# Two towns near each other and far from large cities, and a city beyond their radius.
TORDESILLAS, MEDINA, FAR_CITY = "Tordesillas", "Medina del Campo", "Vigo"


@pytest.fixture
def url(new_database: str) -> str:
    return new_database


@pytest.fixture
def client(url: str) -> FlaskClient:
    settings = settings_of(url, api_keys=(KEY,))
    client: FlaskClient = create_app(settings).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client


@pytest.fixture
def sql(url: str) -> Sql:
    return sql_on(url)


@pytest.fixture
def act(client: FlaskClient) -> Callable[..., dict[str, int]]:
    """Run a relocating function without waiting for caches: no other process has any."""
    services = client.application.extensions["nomad_rooms"]

    def no_progress(step: str, total: int) -> None: ...

    def run(reason: str, relocate: Any, *arguments: Any) -> dict[str, int]:
        with record_run(services.database, f"cities {reason}", {}) as recorded:
            relocation = Relocation(
                services.database, recorded, reason, no_progress, caches_expired_after_s=0.0
            )
            relocate(relocation, *arguments)
        services.cities.clear_cache()
        services.rooms.clear_cache()
        return recorded.counts

    return run


def join(client: FlaskClient, user: str, city: str, interests: tuple[str, ...] = ("surf",)) -> Any:
    body = {"_id": user, "city": city, "country": "ES", "interests": interests}
    response = client.post("/rooms", json=body)
    assert response.status_code in (200, 201)
    return response.json


def changes(client: FlaskClient) -> list[tuple[str, int, int, str]]:
    items = client.get("/changes?limit=1000").json["items"]
    return [(i["user_id"], i["from_room"], i["to_room"], i["reason"]) for i in items]


def test_a_merge_moves_people_and_rooms_and_leaves_redirects(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    wrong = join(client, "a", "Sevilla la Bonica")
    join(client, "b", "Sevilla la Bonica", ("ruralTourism",))
    right = join(client, "c", "Sevilla")
    counts = act("merge", merging.merge, wrong["city"]["id"], right["city"]["id"])
    assert counts == {"people_moved": 2, "rooms_closed": 2}
    user = client.get("/users/a").json
    assert user["city"]["name"] == "Sevilla"
    assert user["room_id"] == right["room_id"]
    assert user["previous_room_id"] == wrong["room_id"]
    moved = client.get(f"/rooms/{wrong['room_id']}")
    assert (moved.status_code, moved.headers["Location"]) == (308, str(right["room_id"]))
    assert ("a", wrong["room_id"], right["room_id"], "merge") in changes(client)
    # The merged city's name and id still work, for new users and for repeated requests.
    assert join(client, "d", "Sevilla la Bonica")["city"]["id"] == right["city"]["id"]
    again = join(client, "a", "Sevilla la Bonica")
    assert (again["room_id"], again["joined"]) == (right["room_id"], False)
    body = {"_id": "e", "city_id": wrong["city"]["id"], "interests": ["surf"]}
    assert client.post("/rooms", json=body).json["room_id"] == right["room_id"]
    assert sql("SELECT status, counts ->> 'people_moved' FROM admin_runs") == [("done", "2")]


def test_a_room_that_the_first_sweep_cannot_remove_is_moved_by_the_second(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    wrong, right = join(client, "a", "Sevilla la Bonica"), join(client, "b", "Sevilla")
    sql(
        f"""
        CREATE SEQUENCE attempts;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('attempts') <= {relocation.MAX_ATTEMPTS} THEN
                RAISE foreign_key_violation;
            END IF;
            RETURN old;
        END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON rooms FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    counts = act("merge", merging.merge, wrong["city"]["id"], right["city"]["id"])
    assert counts == {"people_moved": 1, "rooms_closed": 1}
    assert client.get("/users/a").json["room_id"] == right["room_id"]


def test_areas_are_never_gathered_and_take_in_no_city_of_the_gazetteer(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    vigo = join(client, "a", "Vigo")["city"]["id"]
    area, mistyped = join(client, "b", "Galicia")["city"], join(client, "c", "Galicyya")["city"]
    nowhere = join(client, "d", "Remote")["city"]["id"]
    assert area["kind"] == "area"
    for from_id, into_id in (
        (vigo, area["id"]),
        (vigo, nowhere),
        (nowhere, area["id"]),
        (area["id"], nowhere),
    ):
        with pytest.raises(merging.CannotMerge):
            act("merge", merging.merge, from_id, into_id)
    plan = gathering.plan_gather(client.application.extensions["nomad_rooms"].database, 500, 2)
    assert area["id"] not in {one.town.id for one in plan.gatherings}
    assert area["id"] not in {one.hub.id for one in plan.gatherings}
    act("merge", merging.merge, mistyped["id"], area["id"])
    again = join(client, "e", "Galicyya")
    assert again["city"] == area
    assert len(again["did_you_mean"]) == 3


def test_old_ids_redirect_to_the_last_room_of_a_chain_of_merges(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    one, two = join(client, "a", "Vila U"), join(client, "b", "Vila Dos")
    three = join(client, "c", "Vigo")
    act("merge", merging.merge, one["city"]["id"], two["city"]["id"])
    act("merge", merging.merge, two["city"]["id"], three["city"]["id"])
    for merged in (one, two):
        location = client.get(f"/rooms/{merged['room_id']}").headers["Location"]
        assert location == str(three["room_id"])
    assert sql("SELECT count(*) FROM cities WHERE merged_into = %s", (three["city"]["id"],)) == [
        (2,)
    ]
    assert client.get("/users/a").json["city"]["id"] == three["city"]["id"]


def test_towns_that_shared_a_merged_citys_rooms_follow_it(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    hub, town = join(client, "a", "Vila Gran"), join(client, "b", "Vila Petita")
    into = join(client, "c", "Vigo")
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub["city"]["id"], town["city"]["id"]))
    act("merge", merging.merge, hub["city"]["id"], into["city"]["id"])
    assert sql("SELECT hub_id FROM cities WHERE id = %s", (town["city"]["id"],)) == [
        (into["city"]["id"],)
    ]
    answer = join(client, "d", "Vila Petita")
    assert (answer["room_id"], answer["hub"]["name"]) == (into["room_id"], "Vigo")


@pytest.mark.parametrize(
    ("origin", "into", "message"),
    [("a", "a", "itself"), ("a", "none", "no city"), ("none", "a", "no city")],
)
def test_an_impossible_merge_is_refused(
    client: FlaskClient, act: Any, origin: str, into: str, message: str
) -> None:
    ids = {"a": join(client, "a", "Vigo")["city"]["id"], "none": 12}
    with pytest.raises(merging.CannotMerge, match=message):
        act("merge", merging.merge, ids[origin], ids[into])


def test_a_merge_into_a_city_that_is_gathered_into_it_or_merged_is_refused(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    hub = join(client, "a", "Vila Gran")["city"]["id"]
    town = join(client, "b", "Vila Petita")["city"]["id"]
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (hub, town))
    with pytest.raises(merging.CannotMerge, match="release"):
        act("merge", merging.merge, hub, town)
    sql("UPDATE cities SET hub_id = NULL, merged_into = %s WHERE id = %s", (hub, town))
    with pytest.raises(merging.CannotMerge, match="itself merged"):
        act("merge", merging.merge, hub, town)


def populate(client: FlaskClient, people: dict[str, int]) -> None:
    for city, number in people.items():
        for n in range(number):
            join(client, f"{city}-{n}".replace(" ", ""), city)


def test_release_moves_gathered_people_back_to_their_old_rooms(
    client: FlaskClient, act: Any, sql: Sql
) -> None:
    services = client.application.extensions["nomad_rooms"]
    populate(client, {MEDINA: 6, TORDESILLAS: 2, FAR_CITY: 1})
    before = sql("SELECT user_id, room_id, city_id FROM memberships ORDER BY 1")
    plan = gathering.plan_gather(services.database, 30, 5)
    assert [(g.town.name, g.hub.name) for g in plan.gatherings] == [(TORDESILLAS, MEDINA)]
    assert (plan.members, plan.lonely_now, plan.lonely_then) == (9, 3, 1)
    assert 20 < plan.distances_km[0] < 30
    assert act("gather", gathering.gather, plan) == {"people_moved": 2, "rooms_closed": 1}
    user = client.get(f"/users/{TORDESILLAS}-0").json
    assert user["city"]["name"] == TORDESILLAS
    assert join(client, "new", TORDESILLAS)["hub"]["name"] == MEDINA
    (town,) = (row[0] for row in sql("SELECT id FROM cities WHERE hub_id IS NOT NULL"))
    assert act("release", gathering.release, [town])["people_moved"] == 3
    assert (
        sql("SELECT user_id, room_id, city_id FROM memberships WHERE user_id <> 'new' ORDER BY 1")
        == before
    )
    assert sql("SELECT count(*) FROM room_redirects") == [(0,)]
    assert (
        join(client, "new", TORDESILLAS)["room_id"]
        == {row[0]: row[1] for row in before}[f"{TORDESILLAS}-0"]
    )


def test_a_second_run_finishes_an_interrupted_one(
    client: FlaskClient, act: Any, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocation, "MAX_ROOMS_AT_ONCE", 1)
    wrong = [
        join(client, f"u{n}", "Vila Llarga", (key,))
        for n, key in enumerate(("movies", "ruralTourism", "parties", "theaters"))
    ]
    into = join(client, "z", "Vigo")["city"]["id"]
    origin = wrong[0]["city"]["id"]
    services = client.application.extensions["nomad_rooms"]

    def stop(step: str, total: int) -> None:
        stop.calls += 1  # type: ignore[attr-defined]
        if stop.calls == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stop.calls = 0  # type: ignore[attr-defined]
    with (
        pytest.raises(KeyboardInterrupt),
        record_run(services.database, "cities merge", {}) as run,
    ):
        merging.merge(Relocation(services.database, run, "merge", stop), origin, into)
    assert sql("SELECT status FROM admin_runs") == [("interrupted",)]
    half = sql("SELECT count(*) FROM rooms WHERE city_id = %s", (origin,))
    assert half == [(2,)]
    act("merge", merging.merge, origin, into)
    assert sql("SELECT count(*) FROM rooms WHERE city_id = %s", (origin,)) == [(0,)]
    moved = [user for user, *_ in changes(client)]
    assert sorted(moved) == ["u0", "u1", "u2", "u3"]


def test_changes_are_read_by_a_cursor(client: FlaskClient, act: Any) -> None:
    wrong = join(client, "a", "Vila Errada")
    for n in range(4):
        join(client, f"b{n}", "Vila Errada")
    act("merge", merging.merge, wrong["city"]["id"], join(client, "z", "Vigo")["city"]["id"])
    seen, after = [], 0
    while items := (page := client.get(f"/changes?after={after}&limit=2").json)["items"]:
        assert len(items) <= 2
        seen += [item["user_id"] for item in items]
        after = page["next"]
    assert sorted(seen) == ["a", "b0", "b1", "b2", "b3"]
    assert page["next"] == after
    for wrong_query in ("after=-1", "after=x", "limit=0", "limit=1001", f"after={2**63}"):
        assert client.get(f"/changes?{wrong_query}").status_code == 422


def test_the_commands_need_confirmation_and_record_their_runs(
    url: str, client: FlaskClient, sql: Sql
) -> None:
    def manage(*arguments: str) -> Any:
        return run_manage(*arguments, DATABASE_URL=url)

    wrong = join(client, "a", "Vila Errada")
    right = join(client, "b", "Vigo")
    ids = str(wrong["city"]["id"]), str(right["city"]["id"])
    plan = json.loads(manage("cities", "merge", *ids, "--dry-run", "--json").stdout)
    assert (plan["people"], plan["rooms"], plan["into"]["region"]) == (1, 1, "Galicia")
    refused = manage("cities", "merge", *ids)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert sql("SELECT count(*) FROM admin_runs") == [(0,)]
    counts = json.loads(manage("cities", "merge", *ids, "--yes", "--json").stdout)
    assert counts == {"people_moved": 1, "rooms_closed": 1}
    ((arguments, status),) = sql("SELECT arguments, status FROM admin_runs")
    assert arguments == {"from_id": int(ids[0]), "into_id": int(ids[1])}
    assert status == "done"
    for arguments in (("merge", "1", "2"), ("release", "12")):
        refused = manage("cities", *arguments, "--yes")
        assert refused.returncode == 1
        assert "cities find" in refused.stderr
    dry = manage("cities", "gather", "--dry-run").stdout
    assert "in rooms under 5 now: 2 of 2" in dry
    assert json.loads(manage("cities", "gather", "--dry-run", "--json").stdout)["towns"] == 0
    assert "0 towns" in manage("cities", "release", "--dry-run").stdout


def test_find_and_unlisted_show_the_cities_of_a_name(url: str, client: FlaskClient) -> None:
    join(client, "a", "Sevillla")
    output = run_manage("cities", "find", "Granada", DATABASE_URL=url).stdout
    assert "→" in output.splitlines()[1]
    as_json = json.loads(run_manage("cities", "find", "granada", "--json", DATABASE_URL=url).stdout)
    assert as_json["meant"]["country"] == "ES"
    assert {"NI", "CO"} <= {city["country"] for city in as_json["bearers"]}
    (place,) = json.loads(run_manage("cities", "unlisted", "--json", DATABASE_URL=url).stdout)
    assert (place["name"], place["members"]) == ("Sevillla", 1)
    assert place["guesses"][0]["name"] == "Sevilla"
    assert "Sevilla, ES" in run_manage("cities", "unlisted", DATABASE_URL=url).stdout
    assert run_manage("cities", "find", "---", DATABASE_URL=url).returncode == 1
