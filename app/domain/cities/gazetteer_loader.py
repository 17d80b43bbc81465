"""Loads the gazetteer into the database, while the service runs (`cities load`).

1. The new cities are inserted, some thousand in a transaction: nothing finds them yet.
2. One transaction stores all names and the territories, and removes old names. It takes no lock
   that a join waits for, however long it is. Only the first load, of empty tables, drops and
   creates indexes, for which lookups wait.
3. Each city whose data differ is updated, a few hundred in a transaction. Creating a room reads its
   city's row under a lock, so it waits for these: for some milliseconds.
4. The fingerprint is stored.

Between these steps a reader finds every city by its new names, some with the old population, region
or spelling. A load that was stopped is finished by the next one, since `find_loaded` returns None
from the second step to the fourth.

No city is deleted, because each foreign key's check would read all members. A city that the new
data lack keeps its names if it is in use; otherwise it loses them, so that no lookup finds it.
"""

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

import sqlalchemy

from app.domain.cities.gazetteer import fingerprint, read_cities
from app.domain.cities.territories import read_territories
from app.infra.database import Database, LockTimeout, Row

# Cities whose rows one transaction locks: an update of 500 takes about 10 ms.
MAX_BATCH_SIZE = 500
# New cities that one transaction inserts. On Citus the creation of a room waits for it.
MAX_NEW_BATCH_SIZE = 2_000
# While a batch waits for one city, it keeps the others locked: it is given up after this time, and
# each of its cities is updated alone.
BATCH_LOCK_TIMEOUT_MS = 50
# A command locks the rows of the cities in which it creates rooms until its transaction ends.
CITY_LOCK_TIMEOUT_MS = 60_000

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
# The columns of cities that GeoNames fills. An existing city keeps its id, rooms and pointers.
FIGURES = (
    *("name", "name_key", "country_code", "admin1", "region", "latitude", "longitude"),
    *("population", "timezone", "is_capital"),
)
NEW, OLD = (", ".join(f"{row}.{name}" for name in FIGURES) for row in ("new", "city"))
TERRITORY = (
    "name_key, area, name, country_code, admin1, is_country, is_code, south, west, north, east"
)
NAME = "name_key, city_id, official, name, population, weight, country_code"
COPIES = {
    "new_cities": f"id, {', '.join(FIGURES)}",
    "new_names": NAME,
    "new_territories": TERRITORY,
}
# Until the last step no release, this one or one before it, finds its own data loaded.
INVALIDATE = "UPDATE gazetteer SET fingerprint = 'loading'"
FIND_NEW_CITIES = """
    SELECT to_jsonb(new)::text AS document FROM new_cities AS new
    WHERE NOT EXISTS (SELECT 1 FROM cities WHERE id = new.id) ORDER BY id
"""
INSERT_CITIES = f"""
    INSERT INTO cities ({COPIES["new_cities"]}, listed)
    SELECT {COPIES["new_cities"]}, true
    FROM unnest(%(documents)s::jsonb[]) AS document, jsonb_populate_record(NULL::cities, document)
    ON CONFLICT (id) DO NOTHING
"""
# IS DISTINCT FROM: a load of unchanged data updates no city.
FIND_CHANGED_CITIES = f"""
    SELECT new.id, to_jsonb(new)::text AS document
    FROM new_cities AS new JOIN cities AS city ON city.id = new.id
    WHERE ({NEW}) IS DISTINCT FROM ({OLD})
    ORDER BY new.id
"""
UPDATE_CITIES = f"""
    UPDATE cities AS city SET ({", ".join(FIGURES)}) = ROW ({NEW})
    FROM unnest(%(documents)s::jsonb[]) AS document,
        jsonb_populate_record(NULL::cities, document) AS new
    WHERE city.id = new.id
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
# Found apart from their removal, because Citus deletes nothing by a join with a temporary table.
FIND_REMOVED_NAMES = """
    SELECT array_agg(name_key) AS keys, array_agg(city_id) AS cities
    FROM city_names AS known
    WHERE EXISTS (SELECT 1 FROM new_cities WHERE id = known.city_id)
      AND NOT EXISTS (SELECT 1 FROM new_names AS new
                      WHERE new.name_key = known.name_key AND new.city_id = known.city_id)
"""
DELETE_NAMES = """
    DELETE FROM city_names AS known
    USING unnest(%(keys)s::text[], %(cities)s::bigint[]) AS removed (name_key, city_id)
    WHERE known.name_key = removed.name_key AND known.city_id = removed.city_id
"""
# A city that has members and is neither merged nor gathered has a room.
DELETE_NAMES_OF_REMOVED_CITIES = """
    DELETE FROM city_names
    WHERE city_id IN (
        SELECT id FROM cities AS city
        WHERE listed AND merged_into IS NULL AND hub_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM new_cities WHERE id = city.id)
          AND NOT EXISTS (SELECT 1 FROM rooms WHERE city_id = city.id)
          AND NOT EXISTS (SELECT 1 FROM room_redirects WHERE city_id = city.id)
          AND NOT EXISTS (SELECT 1 FROM cities AS merged WHERE merged.merged_into = city.id)
          AND NOT EXISTS (SELECT 1 FROM cities AS town WHERE town.hub_id = city.id)
    )
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
        names = excluded.names, loaded_at = excluded.loaded_at
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
    ("removing names of removed cities", DELETE_NAMES_OF_REMOVED_CITIES),
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
    """Load the gazetteer; see the top of this module. Raises Conflict, DatabaseUnavailable."""
    new_fingerprint = fingerprint()
    with database.transaction() as connection:
        # The timeouts are meant for requests; this transaction takes longer.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql(STAGE)
        cities, names = _stage(connection, progress)
        _insert_cities(database, connection.exec_driver_sql(FIND_NEW_CITIES).all(), progress)
        connection.exec_driver_sql(INVALIDATE)
        for step, statement in STEPS:
            progress(step, 0)
            connection.exec_driver_sql(statement)
        progress("removing names", 0)
        removed = connection.exec_driver_sql(FIND_REMOVED_NAMES).one()
        connection.exec_driver_sql(DELETE_NAMES, removed._asdict())
        _store_names(connection, progress)
        changed = connection.exec_driver_sql(FIND_CHANGED_CITIES).all()
    _update_cities(database, changed, progress)
    loaded = Loaded(new_fingerprint, cities, names, was_there=False)
    database.execute(STORE_FINGERPRINT, asdict(loaded))
    progress("vacuuming", 0)
    _vacuum(database)
    return loaded


def _insert_cities(database: Database, new: Sequence[Row], progress: Progress) -> None:
    for first in range(0, len(new), MAX_NEW_BATCH_SIZE):
        progress("storing new cities", -(-len(new) // MAX_NEW_BATCH_SIZE))
        batch = new[first : first + MAX_NEW_BATCH_SIZE]
        database.execute(INSERT_CITIES, {"documents": [city.document for city in batch]})


def _update_cities(database: Database, changed: Sequence[Row], progress: Progress) -> None:
    locked: list[Row] = []
    for first in range(0, len(changed), MAX_BATCH_SIZE):
        progress("updating cities", -(-len(changed) // MAX_BATCH_SIZE))
        batch = changed[first : first + MAX_BATCH_SIZE]
        try:
            _update_batch(database, batch, BATCH_LOCK_TIMEOUT_MS)
        except LockTimeout:
            locked += batch
    for city in locked:
        progress("updating locked cities", len(locked))
        _update_batch(database, [city], CITY_LOCK_TIMEOUT_MS)


def _update_batch(database: Database, batch: Sequence[Row], lock_timeout_ms: int) -> None:
    documents = [city.document for city in batch]
    settings = f"lock_timeout = {lock_timeout_ms}"
    database.execute(UPDATE_CITIES, {"documents": documents}, settings)


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
