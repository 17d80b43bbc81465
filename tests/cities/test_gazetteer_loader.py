"""Loading the gazetteer (`cities load`)."""

from typing import Any

import pytest
from flask_migrate import upgrade

from app import create_app
from app.cli.migrations import create_migrating_app
from app.domain.cities import gazetteer_loader
from app.infra.database import Database
from tests.support.databases import Server, settings_of, sql_on

TABLES = ("cities", "city_names", "place_names")


@pytest.fixture
def database(new_database: str) -> Database:
    app = create_app(settings_of(new_database))
    database: Database = app.extensions["nomad_rooms"].database
    return database


def rows(url: str) -> dict[str, list[Any]]:
    sql = sql_on(url)
    digest = "SELECT count(*), md5(string_agg(row::text, '' ORDER BY row::text COLLATE \"C\"))"
    columns = {"place_names": "(name_key, country_code, admin1)"}
    return {
        table: sql(f"{digest} FROM (SELECT {columns.get(table, 't')} AS row FROM {table} t) AS t")
        for table in TABLES
    }


def test_newer_data_update_in_place_and_keep_cities_in_use(
    database: Database, new_database: str
) -> None:
    """The database is as after an older gazetteer: other figures, cities removed since."""
    sql, before = sql_on(new_database), rows(new_database)
    sql("UPDATE cities SET population = 1, name = 'Old' WHERE id = 2510911")
    sql("DELETE FROM city_names WHERE city_id = 2510911 AND name_key = 'sevilla'")
    sql(
        "INSERT INTO city_names (name_key, city_id, official) VALUES ('seviya old', 2510911, false)"
    )
    sql(
        "INSERT INTO cities (id, name, name_key, country_code, listed)"
        " SELECT 90000000 + n, 'Gone', 'gone', 'ES', true FROM generate_series(1, 4) AS n"
    )
    sql("INSERT INTO rooms (city_id, cluster_id) VALUES (90000001, 1)")
    sql("UPDATE cities SET hub_id = 90000002 WHERE id = 2510911")
    sql("UPDATE cities SET merged_into = 2510911 WHERE id = 90000003")
    gazetteer_loader.load(database)
    assert sql("SELECT name, population > 600000, hub_id FROM cities WHERE id = 2510911") == [
        ("Sevilla", True, 90000002)
    ]
    assert sql("SELECT 1 FROM city_names WHERE city_id = 2510911 AND name_key = 'sevilla'")
    assert not sql("SELECT 1 FROM city_names WHERE name_key = 'seviya old'")
    assert sql("SELECT id FROM cities WHERE name = 'Gone' ORDER BY id") == [
        (90000001,),
        (90000002,),
        (90000003,),
    ]
    sql("UPDATE cities SET hub_id = NULL; DELETE FROM rooms")
    sql("DELETE FROM cities WHERE name = 'Gone'")
    assert rows(new_database) == before
    loaded = gazetteer_loader.find_loaded(database)
    assert loaded is not None
    assert loaded.was_there


def test_an_interrupted_load_changes_nothing(database: Database, new_database: str) -> None:
    before = rows(new_database)
    sql_on(new_database)("UPDATE gazetteer SET fingerprint = 'older'")

    def stop(step: str, total: int) -> None:
        if step == "storing names":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gazetteer_loader.load(database, stop)
    assert rows(new_database) == before
    assert gazetteer_loader.find_loaded(database) is None


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
