"""Loading the gazetteer (`cities load`)."""

import time
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from flask.testing import FlaskClient
from flask_migrate import upgrade
from psycopg2.extensions import STATUS_READY

from app import create_app
from app.cli.migrations import create_migrating_app
from app.domain.cities import gazetteer_loader
from app.infra.database import Database
from model.predict import Model
from tests.support.clients import Clients
from tests.support.databases import Server, Sql, direct_url, settings_of, sql_on
from tests.support.http import place, session
from tests.support.manage import add_room, start_process
from tests.support.serving import TIMEOUT_S, wait_until

TABLES = ("cities", "city_names", "place_names")
CHANGED, NEXT = 2510911, 2510972
USED, HUB, MERGED, UNUSED = 90000001, 90000002, 90000003, 90000004
# Joins wait 3 s for a lock at most, and are refused then.
MAX_WAIT_S = 2.0
CLIENTS = 2


@pytest.fixture
def database(new_database: str) -> Database:
    app = create_app(settings_of(new_database))
    database: Database = app.extensions["nomad_rooms"].database
    return database


@pytest.fixture
def joining(new_database: str) -> FlaskClient:
    """A client of another application on the same database."""
    return create_app(settings_of(new_database)).test_client()


def rows(url: str) -> dict[str, list[Any]]:
    sql = sql_on(url)
    digest = "SELECT count(*), md5(string_agg(row::text, '' ORDER BY row::text COLLATE \"C\"))"
    columns = {"place_names": "(name_key, country_code, admin1)"}
    return {
        table: sql(f"{digest} FROM (SELECT {columns.get(table, 't')} AS row FROM {table} t) AS t")
        for table in TABLES
    }


def make_outdated(sql: Sql) -> None:
    """Change the data to those of an older gazetteer: other figures, cities removed since."""
    sql("UPDATE cities SET population = 1, name = 'Old' WHERE id = %s", (CHANGED,))
    sql("DELETE FROM city_names WHERE city_id = %s AND name_key = 'sevilla'", (CHANGED,))
    sql(
        "INSERT INTO city_names (name_key, city_id, official) VALUES ('seviya old', %s, false)",
        (CHANGED,),
    )
    sql(
        "INSERT INTO cities (id, name, name_key, country_code, listed)"
        " SELECT 90000000 + n, 'Gone', 'gone', 'ES', true FROM generate_series(1, 4) AS n"
    )
    sql(
        "INSERT INTO city_names (name_key, city_id, official)"
        " SELECT 'gone', id, true FROM cities WHERE name = 'Gone'"
    )
    sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1)", (USED,))
    sql("UPDATE cities SET hub_id = %s WHERE id = 3105976", (HUB,))
    sql("UPDATE cities SET merged_into = %s WHERE id = %s", (CHANGED, MERGED))
    sql("UPDATE gazetteer SET fingerprint = 'older'")


def remove_traces(sql: Sql) -> None:
    """Undo what `make_outdated` did to rooms and to cities that are not in the gazetteer."""
    sql("DELETE FROM memberships; DELETE FROM rooms; UPDATE cities SET hub_id = NULL")
    sql("DELETE FROM city_names WHERE name_key = 'gone'; DELETE FROM cities WHERE name = 'Gone'")


def test_newer_data_update_in_place_and_cities_in_use_keep_their_names(
    database: Database, new_database: str
) -> None:
    sql, before = sql_on(new_database), rows(new_database)
    make_outdated(sql)
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (HUB, CHANGED))
    gazetteer_loader.load(database)
    assert sql(
        "SELECT name, population > 600000, hub_id FROM cities WHERE id = %s", (CHANGED,)
    ) == [("Sevilla", True, HUB)]
    assert sql("SELECT 1 FROM city_names WHERE city_id = %s AND name_key = 'sevilla'", (CHANGED,))
    assert not sql("SELECT 1 FROM city_names WHERE name_key = 'seviya old'")
    assert sql("SELECT city_id FROM city_names WHERE name_key = 'gone' ORDER BY 1") == [
        (USED,),
        (HUB,),
        (MERGED,),
    ]
    # A client that shows a suggestion from before the load can still send its id.
    assert sql("SELECT id FROM cities WHERE name = 'Gone' AND id = %s", (UNUSED,))
    remove_traces(sql)
    assert rows(new_database) == before
    loaded = gazetteer_loader.find_loaded(database)
    assert loaded is not None
    assert loaded.was_there


@pytest.mark.parametrize("stopped_at", ["storing names", "updating cities", "vacuuming"])
def test_an_interrupted_load_is_finished_by_the_next_one(
    database: Database, joining: FlaskClient, new_database: str, stopped_at: str
) -> None:
    sql, before = sql_on(new_database), rows(new_database)
    make_outdated(sql)

    def stop(step: str, total: int) -> None:
        if step == stopped_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gazetteer_loader.load(database, stop)
    is_loaded = gazetteer_loader.find_loaded(database) is not None
    assert is_loaded == (stopped_at == "vacuuming")
    assert (
        place(joining, city="Seviya old" if stopped_at == "storing names" else "Sevilla")["city"][
            "id"
        ]
        == CHANGED
    )
    gazetteer_loader.load(database)
    remove_traces(sql)
    assert rows(new_database) == before


def test_an_older_release_loads_its_data_again_after_a_newer_load_was_interrupted(
    database: Database, new_database: str
) -> None:
    def stop(step: str, total: int) -> None:
        if step == "updating cities":
            raise KeyboardInterrupt

    sql_on(new_database)("UPDATE cities SET population = 1 WHERE id = %s", (CHANGED,))
    assert gazetteer_loader.find_loaded(database)
    with pytest.raises(KeyboardInterrupt):
        gazetteer_loader.load(database, stop)
    assert gazetteer_loader.find_loaded(database) is None


def test_at_every_step_of_a_load_people_join_new_rooms_in_cities_that_it_changes_or_removes(
    database: Database, joining: FlaskClient, new_database: str, model: Model
) -> None:
    sql = sql_on(new_database)
    sql("UPDATE cities SET population = 1 WHERE country_code = 'ES' AND listed")
    make_outdated(sql)
    changed = [
        city for (city,) in sql("SELECT id FROM cities WHERE country_code = 'ES' AND id < 9000000")
    ]
    steps: set[str] = set()

    def join(step: str, total: int) -> None:
        if step not in steps:
            steps.add(step)
            for city in (changed.pop(), UNUSED):
                user = f"{step}-{city}".replace(" ", "-")
                assert place(joining, _id=user, city_id=city)["created"] == (city != UNUSED)

    place(joining, _id="first", city_id=UNUSED)
    sql("DELETE FROM memberships")
    gazetteer_loader.load(database, join)
    assert {"storing names", "updating cities"} < steps


def test_a_city_that_a_move_of_people_locks_delays_no_join_to_others(
    database: Database, joining: FlaskClient, new_database: str
) -> None:
    sql = sql_on(new_database)
    sql("UPDATE cities SET population = 1 WHERE country_code = 'ES' AND listed")
    behind = "SELECT id FROM cities WHERE population = 1 AND country_code = 'ES'"
    with closing(psycopg2.connect(direct_url(new_database))) as move, move.cursor() as cursor:

        def lock(step: str, total: int) -> None:
            if step == "updating cities" and move.status == STATUS_READY:
                cursor.execute("SELECT 1 FROM cities WHERE id = %s FOR NO KEY UPDATE", (CHANGED,))
            elif step == "updating locked cities" and move.status != STATUS_READY:
                assert (CHANGED,) in sql(behind)
                assert place(joining, _id="user", city_id=NEXT)["joined"]
                move.commit()

        gazetteer_loader.load(database, lock)
        assert move.status == STATUS_READY
    assert not sql(behind)


class FirstJoins(Clients):
    """Clients whose every join creates a room, in a city where nobody is yet."""

    def __init__(self, url: str, cities: list[int]) -> None:
        super().__init__(url, CLIENTS, reads_changes=False)
        self.cities = cities
        self.waits: list[float] = []

    def run_client(self, client: int) -> None:
        with session() as http:
            for city in self.cities[client::CLIENTS]:
                body = {"_id": f"first-{city}", "city_id": city, "interests": ["surf"]}
                began = time.monotonic()
                response = http.post(f"{self.url}/rooms", json=body, timeout=TIMEOUT_S)
                self.waits.append(time.monotonic() - began)
                self.statuses[response.status_code] += 1
                if self.stopping.is_set():
                    return


def test_people_join_new_rooms_without_delay_while_every_city_changes(
    new_database: str, serve: Any
) -> None:
    sql = sql_on(new_database)
    cities = [city for (city,) in sql("SELECT id FROM cities WHERE listed ORDER BY md5(id::text)")]
    add_room(new_database, 200_000)
    sql("UPDATE cities SET population = coalesce(population, 0) + 1 WHERE listed")
    sql(
        "INSERT INTO cities (id, name, name_key, country_code, listed)"
        " SELECT 90000000 + n, 'Gone', 'gone', 'ES', true FROM generate_series(1, 40) AS n"
    )
    with FirstJoins(serve().url, cities) as joins:
        wait_until(lambda: joins.statuses[201] > 0)
        began, first = time.monotonic(), len(joins.waits)
        load = start_process("cities", "load", "--force", "--yes", DATABASE_URL=new_database)
        assert load.wait() == 0
        took = time.monotonic() - began
    waits = sorted(joins.waits[first:])
    print(f"load {took:.1f} s; {len(waits):,} first joins meanwhile, {dict(joins.statuses)};")
    print(f"median {waits[len(waits) // 2] * 1000:.0f} ms, longest {waits[-1]:.2f} s")
    assert set(joins.statuses) == {201}
    assert waits[-1] < MAX_WAIT_S


def test_a_first_load_creates_every_index_again(server: Server, database_url: str) -> None:
    """The suite's databases were loaded empty, so their indexes were dropped and created."""
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'city_names' ORDER BY 1"
    empty = server.create()
    with create_migrating_app(settings_of(empty)).app_context():
        upgrade()
    assert sql_on(database_url)(indexes) == sql_on(empty)(indexes)
    server.drop(empty)


def test_no_city_has_an_empty_name(database_url: str) -> None:
    sql = sql_on(database_url)
    assert sql("SELECT count(*) > 69000 FROM cities WHERE listed") == [(True,)]
    assert not sql("SELECT 1 FROM city_names WHERE name_key = '' LIMIT 1")
    assert not sql("SELECT 1 FROM cities WHERE name_key = '' LIMIT 1")
