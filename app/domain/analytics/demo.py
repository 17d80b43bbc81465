"""Puts a drawn population into the database, for analysts and tests to look at."""

import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import IO, Any

import numpy as np
import sqlalchemy

from app.domain.analytics.population import DAYS, GATHERED_AT, Population, Towns, draw
from app.domain.cities.normalize import fold
from app.domain.moves.relocation import LOCK_CHANGES
from app.domain.runs.admin_runs import Run
from app.infra.database import Database
from model.predict import Model

# Where else a nomads' app of one country has people, and how many of all.
ABROAD = ("PT", "FR", "IT", "DE", "GB", "MX", "AR", "CO")
SHARE_ABROAD, SHARE_UNLISTED = 0.12, 0.006
LARGE = 100_000
# Villages of under 5,000 people, which the gazetteer lacks.
UNLISTED = ("Cadaqués", "Valldemossa", "Deià", "Aínsa", "Albarracín", "Potes", "Pampaneira")
# No id of the app's begins so: those are Mongo's.
PREFIX = "demo-"


class AlreadyThere(Exception):
    """There are demo people already."""


ARE_THERE = f"SELECT EXISTS (SELECT 1 FROM memberships WHERE user_id LIKE '{PREFIX}%%')"
MAKE_UNLISTED = """
    INSERT INTO cities (name, name_key, country_code, listed)
    SELECT name, key, %(country)s, false
    FROM unnest(CAST(%(names)s AS text[]), CAST(%(keys)s AS text[])) AS typed (name, key)
    ON CONFLICT (name_key, country_code) WHERE NOT listed DO NOTHING
"""
# Towns that share a hub's rooms, that lend them, or that have some of their own stay as they are.
TOWNS = """
    SELECT id, coalesce(population, 0), latitude, longitude, country_code, listed,
           NOT EXISTS (SELECT 1 FROM rooms WHERE city_id = city.id)
           AND NOT EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = city.id)
    FROM cities AS city
    WHERE merged_into IS NULL AND hub_id IS NULL
      AND ((listed AND population > 0
            AND (country_code = %(home)s
                 OR (country_code = ANY(%(abroad)s) AND population > %(large)s)))
           OR (NOT listed AND country_code = %(home)s AND name_key = ANY(%(keys)s)))
    ORDER BY id
"""
STAGE = """
    CREATE TEMPORARY TABLE demo (
        user_id text, city_id bigint, host_id bigint, cluster smallint, old_city_id bigint,
        old_host_id bigint, old_cluster smallint, is_gathered boolean, came int, moved int,
        interests text[]
    ) ON COMMIT DROP
"""
GATHER = """
    UPDATE cities SET hub_id = host_id
    FROM (SELECT DISTINCT city_id, host_id FROM demo WHERE city_id <> host_id) AS gathered
    WHERE id = city_id
"""
MAKE_ROOMS = """
    INSERT INTO rooms (city_id, cluster_id, created_at)
    SELECT city_id, cluster, %(began)s + min(came) * interval '1 second'
    FROM (
        SELECT host_id, cluster, came FROM demo
        UNION ALL
        SELECT old_host_id, old_cluster, came FROM demo WHERE moved >= 0 AND NOT is_gathered
    ) AS pair (city_id, cluster, came)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (city_id, cluster_id) DO NOTHING
"""
MAKE_REDIRECTS = """
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id, at)
    SELECT nextval(pg_get_serial_sequence('rooms', 'id')), gone.city_id, cluster, rooms.id,
           %(gathered)s
    FROM (SELECT DISTINCT city_id, host_id, cluster FROM demo WHERE is_gathered ORDER BY 1, 3)
        AS gone
    JOIN rooms ON rooms.city_id = gone.host_id AND rooms.cluster_id = gone.cluster
    ORDER BY gone.city_id, cluster
"""
JOIN = """
    INSERT INTO memberships (user_id, city_id, room_id, previous_room_id, interests, model_id,
        created_at, joined_at, updated_at)
    SELECT user_id, demo.city_id, room.id, coalesce(gone.id, old.id), interests, %(model)s,
           %(began)s + came * interval '1 second',
           %(began)s + greatest(came, moved) * interval '1 second',
           %(began)s + greatest(came, moved) * interval '1 second'
    FROM demo
    JOIN rooms AS room ON room.city_id = host_id AND room.cluster_id = cluster
    LEFT JOIN rooms AS old ON old.city_id = old_host_id AND old.cluster_id = old_cluster
        AND moved >= 0 AND NOT is_gathered AND old.id <> room.id
    LEFT JOIN room_redirects AS gone ON gone.city_id = old_city_id
        AND gone.cluster_id = old_cluster AND is_gathered
    ORDER BY user_id
"""
TELL = """
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id, at)
    SELECT user_id, previous_room_id, room_id, 'gather', %(run)s, %(gathered)s
    FROM demo JOIN memberships USING (user_id) WHERE is_gathered ORDER BY user_id
"""
STEPS = (
    ("gathering towns", GATHER),
    ("making rooms", MAKE_ROOMS),
    ("leaving signposts", MAKE_REDIRECTS),
    ("placing people", JOIN),
    ("telling moves", TELL),
)
# So that an analyst's first query is as quick as the next.
VACUUM = "VACUUM (ANALYZE) memberships, rooms, room_redirects, room_changes"


def settle(
    database: Database,
    model: Model,
    home: str,
    people: tuple[int, int],
    until: date,
    run: Run,
    progress: Callable[[str, int], None],
) -> None:
    """Put so many people (and a seed) into rooms, those of a year up to a day; all or nobody.

    `home`: ISO code of the country where most of them live. Counts users, rooms and moves on the
    run. Raises AlreadyThere, DatabaseUnavailable.
    """
    users, seed = people
    began = datetime.combine(until - timedelta(days=DAYS - 1), time(), UTC)
    with database.transaction() as connection:
        # As whoever moves people does, before any row is held.
        connection.exec_driver_sql(LOCK_CHANGES)
        if connection.exec_driver_sql(ARE_THERE).scalar():
            raise AlreadyThere
        progress("drawing people", 0)
        towns = _towns(connection, home)
        population = draw(towns, model, users, seed, until)
        _stage(connection, towns, population, model.interests)
        given = {
            "began": began,
            "gathered": began + timedelta(seconds=GATHERED_AT),
            "model": model.id,
            "run": run.id,
        }
        for step, statement in STEPS:
            progress(step, 0)
            made = connection.exec_driver_sql(statement, given).rowcount
            if counted := {MAKE_ROOMS: "rooms", JOIN: "users", TELL: "moves"}.get(statement):
                run.count(counted, made)
    progress("counting", 0)
    vacuum(database)


def vacuum(database: Database) -> None:
    """Let the planner know what is there."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(VACUUM)


def _towns(connection: sqlalchemy.Connection, home: str) -> Towns:
    keys = [fold(name) for name in UNLISTED]
    given = {"names": list(UNLISTED), "keys": keys, "country": home}
    connection.exec_driver_sql(MAKE_UNLISTED, given)
    rows = connection.exec_driver_sql(
        TOWNS, {"home": home, "abroad": list(ABROAD), "large": LARGE, "keys": keys}
    ).all()
    ids, inhabitants, north, east, countries, listed, is_free = zip(*rows, strict=True)
    is_listed, is_home = np.array(listed), np.array(countries) == home
    weights = np.array(inhabitants, float)
    # Of the villages the first has the most people: Zipf's law.
    weights[~is_listed] = 1 / np.arange(1, (~is_listed).sum() + 1)
    shares = (
        (is_listed & is_home, 1 - SHARE_ABROAD - SHARE_UNLISTED),
        (is_listed & ~is_home, SHARE_ABROAD),
        (~is_listed, SHARE_UNLISTED),
    )
    for which, share in shares:
        weights[which] *= share / max(weights[which].sum(), 1)
    degrees = np.array([north, east], float).T
    return Towns(np.array(ids), weights, degrees, np.array(countries), np.array(is_free))


def _stage(
    connection: sqlalchemy.Connection, towns: Towns, people: Population, interests: tuple[str, ...]
) -> None:
    connection.exec_driver_sql(STAGE)
    raw: Any = connection.connection.dbapi_connection
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file, raw.cursor() as cursor:
        _write(file, towns, people, interests)
        file.seek(0)
        cursor.copy_expert("COPY demo FROM STDIN", file)
    connection.exec_driver_sql("ANALYZE demo")


def _write(file: IO[str], towns: Towns, people: Population, interests: tuple[str, ...]) -> None:
    """Lines as COPY reads them."""
    order = sorted(range(len(interests)), key=interests.__getitem__)
    keys = np.array([interests[column] for column in order], object)
    columns = zip(
        towns.ids[people.towns].tolist(),
        towns.ids[people.hubs[people.towns]].tolist(),
        people.clusters.tolist(),
        towns.ids[people.old_towns].tolist(),
        towns.ids[people.hubs[people.old_towns]].tolist(),
        people.old_clusters.tolist(),
        people.gathered.tolist(),
        people.came.tolist(),
        people.moved.tolist(),
        strict=True,
    )
    profiles = people.profiles[:, order]
    for number, (values, profile) in enumerate(zip(columns, profiles, strict=True), 1):
        ticked = "{" + ",".join(keys[profile]) + "}"
        cells = "\t".join(map(str, values))
        file.write(f"{PREFIX}{number:06d}\t{cells}\t{ticked}\n")


REMOVE = (
    f"DELETE FROM room_changes WHERE user_id LIKE '{PREFIX}%%'",
    f"DELETE FROM memberships WHERE user_id LIKE '{PREFIX}%%'",
)


def remove(database: Database, run: Run) -> None:
    """Take the demo people away; their rooms stay, and towns stay gathered.

    Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.exec_driver_sql(LOCK_CHANGES)
        for statement in REMOVE:
            run.count("rows", connection.exec_driver_sql(statement).rowcount)
    vacuum(database)
