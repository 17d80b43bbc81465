"""Loads the gazetteer into the database, in one transaction (`cities load`)."""

import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import sqlalchemy

from app.domain.cities.gazetteer import fingerprint, read_cities
from app.domain.cities.territories import read_territories
from app.infra.database import Database

# Called for each item done, with the step and its number of items (0: unknown).
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The data in the database; `was_there`: they were loaded before this call."""

    fingerprint: str
    cities: int
    names: int
    was_there: bool


STAGE = """
    CREATE TEMPORARY TABLE new_cities (LIKE cities) ON COMMIT DROP;
    CREATE TEMPORARY TABLE new_names (LIKE city_names) ON COMMIT DROP;
    CREATE TEMPORARY TABLE new_territories (LIKE place_names) ON COMMIT DROP;
    ALTER TABLE new_territories ALTER id DROP NOT NULL;
    ALTER TABLE new_cities ALTER listed SET DEFAULT true
"""
TERRITORY = (
    "name_key, area, name, country_code, admin1, is_country, is_code, south, west, north, east"
)
NAME = "name_key, city_id, official, name, population, weight, country_code"
COPIES = {
    "new_cities": "id, name, name_key, country_code, admin1, region, latitude, longitude,"
    " population, timezone, is_capital",
    "new_names": NAME,
    "new_territories": TERRITORY,
}
# An existing city keeps its id, rooms and pointers; only the columns from GeoNames change. IS
# DISTINCT FROM: a load of unchanged data writes no row.
UPSERT_CITIES = """
    INSERT INTO cities AS city (id, name, name_key, country_code, admin1, region, latitude,
        longitude, population, timezone, is_capital, listed)
    SELECT id, name, name_key, country_code, admin1, region, latitude, longitude, population,
        timezone, is_capital, true
    FROM new_cities
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, name_key = excluded.name_key,
        country_code = excluded.country_code, admin1 = excluded.admin1, region = excluded.region,
        latitude = excluded.latitude, longitude = excluded.longitude,
        population = excluded.population, timezone = excluded.timezone,
        is_capital = excluded.is_capital
    WHERE (city.name, city.name_key, city.country_code, city.admin1, city.region, city.latitude,
           city.longitude, city.population, city.timezone, city.is_capital)
        IS DISTINCT FROM (excluded.name, excluded.name_key, excluded.country_code,
           excluded.admin1, excluded.region, excluded.latitude, excluded.longitude,
           excluded.population, excluded.timezone,
           excluded.is_capital)
"""
UPSERT_NAMES = f"""
    INSERT INTO city_names AS known ({NAME}) SELECT {NAME} FROM new_names ORDER BY 1
    ON CONFLICT (name_key, city_id) DO UPDATE SET
        official = excluded.official, name = excluded.name, population = excluded.population,
        weight = excluded.weight, country_code = excluded.country_code
    WHERE (known.official, known.name, known.population, known.weight, known.country_code)
        IS DISTINCT FROM (excluded.official, excluded.name, excluded.population, excluded.weight,
            excluded.country_code)
"""
# A city that the new data lack keeps its names.
DELETE_NAMES = """
    DELETE FROM city_names AS known
    WHERE EXISTS (SELECT 1 FROM new_cities WHERE id = known.city_id)
      AND NOT EXISTS (SELECT 1 FROM new_names AS new
                      WHERE new.name_key = known.name_key AND new.city_id = known.city_id)
"""
# A city is never deleted if a room, a redirect, a member or another city refers to it.
FIND_REMOVED_CITIES = """
    CREATE TEMPORARY TABLE gone ON COMMIT DROP AS
    SELECT id FROM cities AS city
    WHERE listed
      AND NOT EXISTS (SELECT 1 FROM new_cities WHERE id = city.id)
      AND NOT EXISTS (SELECT 1 FROM rooms WHERE city_id = city.id)
      AND NOT EXISTS (SELECT 1 FROM room_redirects WHERE city_id = city.id)
      AND NOT EXISTS (SELECT 1 FROM memberships WHERE city_id = city.id)
      AND NOT EXISTS (SELECT 1 FROM cities AS other
                      WHERE city.id IN (other.merged_into, other.hub_id))
      AND merged_into IS NULL
"""
DELETE_CITIES = """
    DELETE FROM city_names WHERE city_id IN (SELECT id FROM gone);
    DELETE FROM cities WHERE id IN (SELECT id FROM gone)
"""
REPLACE_TERRITORIES = f"""
    DELETE FROM place_names;
    INSERT INTO place_names ({TERRITORY}, population)
    SELECT {TERRITORY}, people FROM new_territories
    LEFT JOIN (
        SELECT area, sum(population) AS people
        FROM (
            SELECT country_code AS area, population FROM new_cities
            UNION ALL
            SELECT country_code || '.' || admin1, population FROM new_cities
        ) AS city GROUP BY area
    ) AS count USING (area)
"""
STORE_FINGERPRINT = """
    INSERT INTO gazetteer (id, fingerprint, cities, names)
    VALUES (1, %(fingerprint)s, %(cities)s, %(names)s)
    ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, cities = excluded.cities,
        names = excluded.names, loaded_at = now()
"""
INSERT_NAMES = f"INSERT INTO city_names ({NAME}) SELECT {NAME} FROM new_names"
# The first load drops the indexes and creates them after inserting half a million names, which is
# four times as fast. Only while the table is empty, when no lookup needs the indexes.
INDEXES = """
    SELECT format('DROP INDEX %%s', index.indexrelid::regclass), pg_get_indexdef(index.indexrelid)
    FROM pg_index AS index
    WHERE index.indrelid = 'city_names'::regclass AND NOT index.indisprimary
    UNION ALL
    SELECT format('ALTER TABLE city_names DROP CONSTRAINT %%I', conname),
           format('ALTER TABLE city_names ADD CONSTRAINT %%I %%s', conname,
                  pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = 'city_names'::regclass AND contype = 'p'
"""
STEPS = (
    ("storing cities", UPSERT_CITIES),
    ("removing names", DELETE_NAMES),
    ("finding removed cities", FIND_REMOVED_CITIES),
    ("removing cities", DELETE_CITIES),
    ("storing countries and regions", REPLACE_TERRITORIES),
)
# VACUUM updates the visibility map, which the index-only scans of suggestions need.
VACUUM = "VACUUM (ANALYZE) cities, city_names, place_names"


def find_loaded(database: Database) -> Loaded | None:
    """Return the loaded data, or None if this release would load others.

    Raises DatabaseUnavailable.
    """
    rows = database.execute("SELECT fingerprint, cities, names FROM gazetteer")
    if not rows or rows[0].fingerprint != fingerprint():
        return None
    return Loaded(**rows[0]._asdict(), was_there=True)


def load(database: Database, progress: Progress = lambda step, total: None) -> Loaded:
    """Load the gazetteer in one transaction. Raises DatabaseUnavailable."""
    new_fingerprint = fingerprint()
    with database.transaction() as connection:
        # The timeouts are meant for requests; this transaction takes longer.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql(STAGE)
        cities, names = _stage(connection, progress)
        for step, statement in STEPS:
            progress(step, 0)
            connection.exec_driver_sql(statement)
        _store_names(connection, progress)
        connection.exec_driver_sql(
            STORE_FINGERPRINT, {"fingerprint": new_fingerprint, "cities": cities, "names": names}
        )
    progress("vacuuming", 0)
    _vacuum(database)
    return Loaded(new_fingerprint, cities, names, was_there=False)


def _vacuum(database: Database) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(VACUUM)
        connection.exec_driver_sql("RESET statement_timeout")


def _store_names(connection: sqlalchemy.Connection, progress: Progress) -> None:
    progress("storing names", 0)
    if connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM city_names)").scalar():
        connection.exec_driver_sql(UPSERT_NAMES)
        return
    definitions = connection.exec_driver_sql(INDEXES).all()
    for drop, _ in definitions:
        connection.exec_driver_sql(drop)
    connection.exec_driver_sql(INSERT_NAMES)
    for _, create in definitions:
        progress("indexing names", len(definitions))
        connection.exec_driver_sql(create)


def _stage(connection: sqlalchemy.Connection, progress: Progress) -> tuple[int, int]:
    """COPY the data into the temporary tables; return the numbers of cities and names."""
    name_count = 0
    city_count, cities = read_cities()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as cities_file,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as names_file,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as territories_file,
    ):
        city_writer, name_writer = csv.writer(cities_file), csv.writer(names_file)
        for city, names in cities:
            city_writer.writerow(city)
            name_writer.writerows(names)
            name_count += len(names)
            progress("reading cities", city_count)
        csv.writer(territories_file).writerows(read_territories())
        files = (cities_file, names_file, territories_file)
        for file, (table, columns) in zip(files, COPIES.items(), strict=True):
            progress(f"copying {table}", 0)
            _copy(connection, file, table, columns)
    return city_count, name_count


def _copy(connection: sqlalchemy.Connection, file: IO[str], table: str, columns: str) -> None:
    file.seek(0)
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)", file)
