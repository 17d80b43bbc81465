"""Inserts a demo population into the database, for analysts and tests.

demo_removal.py removes it.
"""

import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import IO, Any

import numpy as np
import sqlalchemy

from app.domain.analytics.figures import MONTH
from app.domain.analytics.population import (
    DAYS,
    GATHERED_AT_S,
    Erased,
    Population,
    Towns,
    draw,
    draw_erased,
)
from app.domain.analytics.publication import publish
from app.domain.cities.normalize import fold
from app.domain.moves.relocation import LOCK_CHANGES
from app.domain.runs.admin_runs import Run
from app.infra.database import Database
from model.predict import Model

# Countries other than the home country, in which only large cities have members.
ABROAD = ("PT", "FR", "IT", "DE", "GB", "MX", "AR", "CO")
ABROAD_SHARE, UNLISTED_SHARE = 0.12, 0.006
MIN_POPULATION_ABROAD = 100_000
# The gazetteer lacks villages of under 5,000 people.
UNLISTED = ("Cadaqués", "Valldemossa", "Deià", "Aínsa", "Albarracín", "Potes", "Pampaneira")
# The app's ids are Mongo's, which never begin with this prefix.
PREFIX = "demo-"


class DemoExists(Exception):
    """The database already has demo people."""


DEMO_EXISTS = f"SELECT EXISTS (SELECT 1 FROM memberships WHERE user_id LIKE '{PREFIX}%%')"
CREATE_UNLISTED = """
    INSERT INTO cities (name, name_key, country_code, listed)
    SELECT name, key, %(home)s, false
    FROM unnest(CAST(%(names)s AS text[]), CAST(%(keys)s AS text[])) AS typed (name, key)
    ON CONFLICT (name_key, country_code) WHERE NOT listed DO NOTHING
"""
# Gathered towns are left out, and towns that have rooms or are a hub must not be gathered.
FIND_TOWNS = f"""
    SELECT id, coalesce(population, 0) AS population, latitude, longitude, country_code, listed,
           NOT EXISTS (SELECT 1 FROM rooms WHERE city_id = city.id)
           AND NOT EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = city.id)
           AS can_be_gathered
    FROM cities AS city
    WHERE merged_into IS NULL AND hub_id IS NULL
      AND ((listed AND population > 0
            AND (country_code = %(home)s
                 OR (country_code = ANY(%(abroad)s) AND population > {MIN_POPULATION_ABROAD})))
           OR (NOT listed AND country_code = %(home)s AND name_key = ANY(%(keys)s)))
    ORDER BY id
"""
CREATE_STAGING_TABLE = """
    CREATE TEMPORARY TABLE demo (
        user_id text, city_id bigint, host_id bigint, cluster smallint, old_city_id bigint,
        old_host_id bigint, old_cluster smallint, is_gathered boolean, joined_s int, moved_s int,
        interests text[]
    ) ON COMMIT DROP
"""
GATHER = """
    UPDATE cities SET hub_id = gathered.hub_id
    FROM unnest(%(towns)s::bigint[], %(hubs)s::bigint[]) AS gathered (town_id, hub_id)
    WHERE id = gathered.town_id
"""
CREATE_ROOMS = """
    INSERT INTO rooms (city_id, cluster_id, created_at)
    SELECT city_id, cluster, %(began)s + min(joined_s) * interval '1 second'
    FROM (
        SELECT host_id, cluster, joined_s FROM demo
        UNION ALL
        SELECT old_host_id, old_cluster, joined_s FROM demo WHERE moved_s >= 0 AND NOT is_gathered
    ) AS pair (city_id, cluster, joined_s)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (city_id, cluster_id) DO NOTHING
"""
CREATE_REDIRECTS = """
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id, at)
    SELECT nextval(pg_get_serial_sequence('rooms', 'id')), redirect.city_id, cluster, rooms.id,
           %(gathered)s
    FROM (SELECT DISTINCT city_id, host_id, cluster FROM demo WHERE is_gathered ORDER BY 1, 3)
        AS redirect
    JOIN rooms ON rooms.city_id = redirect.host_id AND rooms.cluster_id = redirect.cluster
    ORDER BY redirect.city_id, cluster
"""
INSERT_MEMBERS = """
    INSERT INTO memberships (user_id, city_id, room_id, previous_room_id, interests, model_id,
        created_at, joined_at, updated_at)
    SELECT user_id, demo.city_id, room.id, coalesce(redirect.id, old.id), interests, %(model)s,
           %(began)s + joined_s * interval '1 second',
           %(began)s + greatest(joined_s, moved_s) * interval '1 second',
           %(began)s + greatest(joined_s, moved_s) * interval '1 second'
    FROM demo
    JOIN rooms AS room ON room.city_id = host_id AND room.cluster_id = cluster
    LEFT JOIN rooms AS old ON old.city_id = old_host_id AND old.cluster_id = old_cluster
        AND moved_s >= 0 AND NOT is_gathered AND old.id <> room.id
    LEFT JOIN room_redirects AS redirect ON redirect.city_id = old_city_id
        AND redirect.cluster_id = old_cluster AND is_gathered
    ORDER BY user_id
"""
INSERT_CHANGES = """
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id, at)
    SELECT user_id, previous_room_id, room_id, 'gather', %(run)s, %(gathered)s
    FROM demo JOIN memberships USING (user_id) WHERE is_gathered ORDER BY user_id
"""
COUNT_ERASED = f"""
    INSERT INTO deletions (deleted_month, joined_month, country, cluster_id, members, demo_members)
    SELECT {MONTH.format("(%(began)s + erased_s * interval '1 second')")},
           {MONTH.format("(%(began)s + joined_s * interval '1 second')")},
           country, cluster, count(*), count(*)
    FROM unnest(CAST(%(countries)s AS text[]), CAST(%(clusters)s AS smallint[]),
                CAST(%(joined_s)s AS int[]), CAST(%(erased_s)s AS int[]))
        AS person (country, cluster, joined_s, erased_s)
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (deleted_month, joined_month, country, cluster_id) DO UPDATE
    SET members = deletions.members + excluded.members,
        demo_members = deletions.demo_members + excluded.demo_members
"""
STEPS = (
    ("gathering towns", GATHER),
    ("creating rooms", CREATE_ROOMS),
    ("creating redirects", CREATE_REDIRECTS),
    ("inserting members", INSERT_MEMBERS),
    ("recording moves", INSERT_CHANGES),
)
COUNT_NAMES = {CREATE_ROOMS: "rooms", INSERT_MEMBERS: "users", INSERT_CHANGES: "moves"}
# Without statistics an analyst's first query would be slower than the next.
VACUUM = "VACUUM (ANALYZE) memberships, rooms, room_redirects, room_changes"


def insert(
    database: Database,
    model: Model,
    home: str,
    people: tuple[int, int],
    until: date,
    run: Run,
    progress: Callable[[str, int], None],
) -> None:
    """Insert people who joined in the year up to a day, in one transaction.

    `home`: ISO code of the country where most of them live. `people`: their number and a seed.
    Counts users, rooms and moves on the run. Raises DemoExists, DatabaseUnavailable.
    """
    users, seed = people
    began = datetime.combine(until - timedelta(days=DAYS - 1), time(), UTC)
    with database.transaction() as connection:
        # As in a relocation, this lock is taken before any row lock.
        connection.exec_driver_sql(LOCK_CHANGES)
        if connection.exec_driver_sql(DEMO_EXISTS).scalar():
            raise DemoExists
        progress("drawing people", 0)
        towns = _find_towns(connection, home)
        population = draw(towns, model, users, seed, until)
        _stage(connection, towns, population, model.interests)
        parameters = {
            "began": began,
            "gathered": began + timedelta(seconds=GATHERED_AT_S),
            "model": model.id,
            "run": run.id,
            **_gathered(towns, population),
        }
        for step, statement in STEPS:
            progress(step, 0)
            rows = connection.exec_driver_sql(statement, parameters).rowcount
            if statement in COUNT_NAMES:
                run.count(COUNT_NAMES[statement], rows)
        progress("counting erasures", 0)
        erased = draw_erased(towns, model, users, seed, until)
        connection.exec_driver_sql(COUNT_ERASED, {"began": began, **_columns(towns, erased)})
    progress("analyzing tables", 0)
    vacuum(database)
    progress("publishing figures", 0)
    publish(database, until + timedelta(days=1), anew=True)


def vacuum(database: Database) -> None:
    """Vacuum and analyze the tables that a demo fills."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql(VACUUM)


def _find_towns(connection: sqlalchemy.Connection, home: str) -> Towns:
    keys = [fold(name) for name in UNLISTED]
    parameters = {"names": list(UNLISTED), "keys": keys, "home": home, "abroad": list(ABROAD)}
    connection.exec_driver_sql(CREATE_UNLISTED, parameters)
    rows = connection.exec_driver_sql(FIND_TOWNS, parameters).all()
    countries = np.array([row.country_code for row in rows])
    is_listed, is_home = np.array([row.listed for row in rows]), countries == home
    weights = np.array([row.population for row in rows], float)
    # Villages have no known population, so their sizes follow Zipf's law.
    weights[~is_listed] = 1 / np.arange(1, (~is_listed).sum() + 1)
    for mask, share in (
        (is_listed & is_home, 1 - ABROAD_SHARE - UNLISTED_SHARE),
        (is_listed & ~is_home, ABROAD_SHARE),
        (~is_listed, UNLISTED_SHARE),
    ):
        weights[mask] *= share / max(weights[mask].sum(), 1)
    return Towns(
        np.array([row.id for row in rows]),
        weights,
        np.array([(row.latitude, row.longitude) for row in rows], float),
        countries,
        np.array([row.can_be_gathered for row in rows]),
    )


def _stage(
    connection: sqlalchemy.Connection, towns: Towns, people: Population, interests: tuple[str, ...]
) -> None:
    connection.exec_driver_sql(CREATE_STAGING_TABLE)
    raw: Any = connection.connection.dbapi_connection
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file, raw.cursor() as cursor:
        _write(file, towns, people, interests)
        file.seek(0)
        cursor.copy_expert("COPY demo FROM STDIN", file)
    connection.exec_driver_sql("ANALYZE demo")


def _gathered(towns: Towns, people: Population) -> dict[str, list[int]]:
    """Return the towns of people that have a hub, and their hubs."""
    used = np.unique(people.towns)
    gathered = used[people.hubs[used] != used]
    return {
        "towns": towns.ids[gathered].tolist(),
        "hubs": towns.ids[people.hubs[gathered]].tolist(),
    }


def _columns(towns: Towns, erased: Erased) -> dict[str, list[Any]]:
    names = ("clusters", "joined_s", "erased_s")
    columns = {name: getattr(erased, name).tolist() for name in names}
    return {"countries": towns.countries[erased.towns].tolist(), **columns}


def _write(file: IO[str], towns: Towns, people: Population, interests: tuple[str, ...]) -> None:
    """Write the people in COPY's text format."""
    order = sorted(range(len(interests)), key=interests.__getitem__)
    keys = np.array([interests[column] for column in order], object)
    columns = (
        towns.ids[people.towns],
        towns.ids[people.hubs[people.towns]],
        people.clusters,
        towns.ids[people.old_towns],
        towns.ids[people.hubs[people.old_towns]],
        people.old_clusters,
        people.is_gathered,
        people.joined_s,
        people.moved_s,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    profiles = people.profiles[:, order]
    for number, (row, profile) in enumerate(zip(rows, profiles, strict=True), 1):
        selected = "{" + ",".join(keys[profile]) + "}"
        cells = "\t".join(map(str, row))
        file.write(f"{PREFIX}{number:06d}\t{cells}\t{selected}\n")
