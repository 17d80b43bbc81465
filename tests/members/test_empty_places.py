"""A place that a user typed goes with the last user who is in it, and its rooms too."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.clusters.member_batches import Member
from app.domain.clusters.reassignment import Reassigner
from app.domain.runs.admin_runs import record_run
from app.domain.upkeep import remove_empty_places
from tests.members.test_erasure import columns_with
from tests.support.databases import Sql, sql_on
from tests.support.http import place
from tests.support.manage import Manage, run_manage
from tests.support.user_files import import_users, write_csv

ADDRESS = "Ana García Pérez, Calle Mayor 5 3B Madrid"
# The view shows the table's column.
EVERYWHERE = ["cities.name", "cities.name_key", "city_hosts.name"]
NAME, KEY = "Ana García Pérez", "ana garcia perez"


def columns_with_address(sql: Sql) -> list[str]:
    return sorted({*columns_with(sql, NAME), *columns_with(sql, KEY)})


def merge(url: str, origin: Any, into: Any, *options: str) -> None:
    """Merge the city of a response into that of another."""
    ids = (str(response["city"]["id"]) for response in (origin, into))
    done = run_manage("cities", "merge", *ids, "--yes", *options, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr


def test_what_only_an_erased_user_typed_is_in_no_table(client: FlaskClient, sql: Sql) -> None:
    joined = place(client, _id="ana", city=ADDRESS)
    place(client, _id="ana", city=ADDRESS, interests=["movies"])
    assert columns_with_address(sql) == EVERYWHERE
    assert client.delete("/users/ana").status_code == 204
    assert columns_with_address(sql) == []
    assert sql("SELECT count(*) FROM rooms") == [(0,)]
    assert client.get(f"/rooms/{joined['room_id']}").status_code == 404
    assert client.get("/rooms", query_string={"city": ADDRESS}).json["items"] == []
    by_id = {"_id": "eva", "city_id": joined["city"]["id"], "interests": ["surf"]}
    refused = client.post("/rooms", json=by_id)
    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "city_id")


def test_a_place_stays_while_somebody_is_in_it_whatever_their_room(
    client: FlaskClient, sql: Sql
) -> None:
    first = place(client, _id="ana", interests=["surf"])
    other = place(client, _id="eva", interests=["movies"])
    assert other["room_id"] != first["room_id"]
    client.delete("/users/ana")
    assert client.get(f"/rooms/{first['room_id']}").json["members"] == 0
    again = place(client, _id="ana", interests=["surf"])
    assert (again["room_id"], again["city"]) == (first["room_id"], first["city"])


def test_a_place_goes_when_its_last_user_moves_to_another_city(
    client: FlaskClient, sql: Sql
) -> None:
    old = place(client, _id="ana", city=ADDRESS)
    moved = place(client, _id="ana", city="Sevilla")
    assert moved["previous_room_id"] == old["room_id"]
    assert columns_with_address(sql) == []
    # The caches of the process still have the place and its room.
    back = place(client, _id="ana", city=ADDRESS)
    assert (back["created"], back["joined"]) == (True, True)
    assert back["city"]["id"] != old["city"]["id"]
    assert client.get("/users/ana").json["room_id"] == back["room_id"]


def test_cities_of_the_gazetteer_and_areas_stay_without_users(
    client: FlaskClient, sql: Sql
) -> None:
    for city in ("Sevilla", "Galicia", "Remote"):
        joined = place(client, _id="ana", city=city)
        client.delete("/users/ana")
        assert client.get(f"/rooms/{joined['room_id']}").json["members"] == 0
    assert sql("SELECT kind FROM cities WHERE NOT listed ORDER BY 1") == [
        ("area",),
        ("placeless",),
    ]


def test_a_place_goes_with_the_last_user_whom_an_import_moves(
    client: FlaskClient, sql: Sql, database_url: str, tmp_path: Path
) -> None:
    place(client, _id="ana", city=ADDRESS)
    row = {"_id": "ana", "city": "Sevilla", "country": "ES", "interests": "surf"}
    counts = import_users(database_url, write_csv(tmp_path / "users.csv", [row]))
    assert counts["moved"] == 1
    assert columns_with_address(sql) == []


def test_a_place_goes_with_the_places_that_were_merged_into_it(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    old, into = place(client, _id="ana", city=ADDRESS), place(client, _id="eva")
    merge(database_url, old, into)
    assert client.get(f"/rooms/{old['room_id']}").status_code == 308
    client.delete("/users/eva")
    assert place(client, _id="ana", city=ADDRESS)["room_id"] == into["room_id"]
    client.delete("/users/ana")
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]
    assert sql("SELECT count(*) FROM room_redirects") == [(0,)]
    for gone in (old, into):
        assert client.get(f"/rooms/{gone['room_id']}").status_code == 404


def test_a_merged_place_goes_with_the_last_user_who_said_it_and_its_rooms_lead_on(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    old, into = place(client, _id="ana", city=ADDRESS), place(client, _id="other", city="Sevilla")
    merge(database_url, old, into)
    said_later = place(client, _id="eva", city=ADDRESS)
    assert said_later["city"] == into["city"]
    for user, where in (("ana", EVERYWHERE[:2]), ("eva", [])):
        assert client.delete(f"/users/{user}").status_code == 204
        assert columns_with_address(sql) == where
        led = client.get(f"/rooms/{old['room_id']}")
        assert led.status_code == 308
        assert led.headers["Location"].endswith(str(into["room_id"]))
    client.application.extensions["nomad_rooms"].cities.clear_cache()
    assert place(client, _id="new", city=ADDRESS)["city"]["listed"] is False


def test_a_merged_place_goes_when_the_last_user_who_said_it_has_moved(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    merge(database_url, place(client, city=ADDRESS), place(client, _id="other", city="Sevilla"))
    place(client, city="Vigo")
    services = client.application.extensions["nomad_rooms"]
    remove_empty_places(services.database)
    assert columns_with_address(sql) == []


def test_a_place_that_was_merged_into_an_area_goes_with_the_last_user_who_said_it(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    old, area = place(client, _id="ana", city=NAME), place(client, _id="g", city="Galicia")
    merge(database_url, old, area)
    for user, typed in (("eva", NAME), ("bea", f"{NAME}, España")):
        assert place(client, _id=user, city=typed)["city"] == area["city"]
        assert client.get(f"/users/{user}").json["said_city_id"] == old["city"]["id"]
    for user, where in (("ana", EVERYWHERE[:2]), ("bea", EVERYWHERE[:2]), ("eva", [])):
        client.delete(f"/users/{user}")
        assert columns_with_address(sql) == where
    assert client.get("/users/g").json["said_city_id"] is None


def test_a_former_name_goes_with_the_last_user_who_said_it(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    old = place(client, _id="ana", city=ADDRESS)
    rename = ("cities", "rename", str(old["city"]["id"]), "Aldea Nueva", "--yes")
    assert run_manage(*rename, DATABASE_URL=database_url).returncode == 0
    joined = place(client, _id="eva", city="Aldea Nueva")
    assert (joined["room_id"], joined["city"]["id"]) == (old["room_id"], old["city"]["id"])
    services = client.application.extensions["nomad_rooms"]
    remove_empty_places(services.database)
    assert columns_with_address(sql) == EVERYWHERE[:2]
    client.delete("/users/ana")
    assert columns_with_address(sql) == []
    assert client.get("/users/eva").json["city"]["name"] == "Aldea Nueva"


def test_a_place_that_was_merged_before_it_was_kept_who_said_it_stays(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    old, into = place(client, _id="ana", city=ADDRESS), place(client, _id="other", city="Sevilla")
    merge(database_url, old, into)
    sql("UPDATE memberships SET said_city_id = NULL")
    sql("UPDATE cities SET merged_at = NULL WHERE merged_at IS NOT NULL")
    services = client.application.extensions["nomad_rooms"]
    remove_empty_places(services.database)
    assert place(client, _id="eva", city=ADDRESS)["city"] == into["city"]


def test_a_join_that_said_a_merged_place_just_before_it_was_removed_is_as_if_it_said_the_city(
    client: FlaskClient, sql: Sql
) -> None:
    place(client, city="Sevilla")
    sql("UPDATE memberships SET said_city_id = 1000000999999")
    services = client.application.extensions["nomad_rooms"]
    remove_empty_places(services.database)
    assert sql("SELECT said_city_id FROM memberships") == [(None,)]


def test_a_place_that_took_in_a_city_of_the_gazetteer_stays_without_users(
    client: FlaskClient, sql: Sql, database_url: str
) -> None:
    listed, into = place(client, _id="ana", city="Vigo"), place(client, _id="eva")
    merge(database_url, listed, into, "--force")
    for user in ("ana", "eva"):
        client.delete(f"/users/{user}")
    assert place(client, _id="new", city="Vigo")["room_id"] == into["room_id"]
    assert client.get(f"/rooms/{listed['room_id']}").status_code == 308


def test_a_reassignment_passes_over_a_member_whose_place_is_gone(client: FlaskClient) -> None:
    services = client.application.extensions["nomad_rooms"]
    joined = place(client, _id="ana", city=ADDRESS)
    client.delete("/users/ana")
    columns = (joined["room_id"], joined["city"]["id"], joined["cluster"], ["surf"])
    member = Member("ana", *columns, month=date(2026, 1, 1), hash=0)
    reassigner = Reassigner(services.database, services.model, min_gain=0.25)
    with (
        record_run(services.database, "model reassign", {}) as run,
        services.database.transaction() as connection,
    ):
        moved = reassigner.move_batch([(member, joined["cluster"] % 4 + 1)], run.id, connection)
    assert moved == (0, 0)


def test_no_check_of_an_erasure_reads_all_members(client: FlaskClient, sql: Sql) -> None:
    place(client, _id="other", city="Sevilla")
    place(client, _id="ana", city=ADDRESS)
    place(client, _id="eva", city="Zuheros del Mar")
    sql(
        "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
        " joined_at, updated_at) SELECT 'm' || n, city_id, room_id, interests, model_id, now(),"
        " now(), now() FROM memberships, generate_series(1, 20000) AS n WHERE user_id = 'other'"
    )
    sql("ANALYZE memberships")
    scans = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE relname = %s"
    flush = "SELECT pg_stat_force_next_flush()"
    extension = client.application.extensions["nomad_rooms"]
    extension.database.execute(flush)
    before = sql(scans, ("memberships",))
    client.delete("/users/ana")
    place(client, _id="eva", city="Sevilla")
    extension.database.execute(flush)
    assert sql(scans, ("memberships",)) == before
    assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]


@pytest.fixture
def leftovers(new_database: str) -> Sql:
    """Return SQL on a database that an earlier release left with places without users."""
    sql = sql_on(new_database)
    sql(
        "INSERT INTO cities (name, name_key, country_code) VALUES (%s, %s, 'ES'),"
        " ('Vila Buida', 'vila buida', 'ES')",
        (NAME, KEY),
    )
    sql(
        "INSERT INTO rooms (city_id, cluster_id) SELECT city.id, cluster.id FROM cities AS city,"
        " clusters AS cluster WHERE NOT listed AND cluster.id < 3"
    )
    return sql


def test_clean_removes_what_is_there_already(leftovers: Sql, manage: Manage) -> None:
    dry = manage("cities", "clean", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert NAME in dry.stdout
    assert "2 places with 4 rooms" in dry.stdout
    assert manage("cities", "clean").returncode == 1
    assert columns_with_address(leftovers) == EVERYWHERE
    done = manage("cities", "clean", "--yes", "--json")
    assert json.loads(done.stdout) == {"places": 2, "rooms": 4}
    assert leftovers("SELECT command, counts, arguments FROM admin_runs") == [
        ("cities clean", {"places": 2, "rooms": 4}, {})
    ]
    assert columns_with_address(leftovers) == []
    assert leftovers("SELECT count(*) FROM rooms") == [(0,)]
    assert json.loads(manage("cities", "clean", "--yes", "--json").stdout)["places"] == 0


def test_removing_the_demo_people_removes_their_villages(new_database: str) -> None:
    sql = sql_on(new_database)
    for arguments in (("--users", "2000"), ("--remove",)):
        environment = {"APP_ENV": "development", "DATABASE_URL": new_database}
        done = run_manage("demo", *arguments, "--yes", **environment)
        assert done.returncode == 0, done.stderr
        left: list[Any] = sql("SELECT count(*) FROM cities WHERE NOT listed")
        assert (left == [(0,)]) is ("--remove" in arguments)
