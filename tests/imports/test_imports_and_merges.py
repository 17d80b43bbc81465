"""Imports of users whose city is merged or gathered during the import."""

import json
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2

from app.domain.imports.importer import CHUNK_SIZE
from model.predict import Model
from tests.support.databases import direct_url, sql_on
from tests.support.http import profile_of
from tests.support.manage import run_manage, start_process
from tests.support.serving import wait_until
from tests.support.user_files import import_users, user_rows, write_csv

ROWS = 40 * CHUNK_SIZE
WRONG, RIGHT = "Valladolidd", "Valladolid"
WITH_ROOM, WITHOUT_ROOM = "Laguna de Duero", "Medina del Campo"
LOCK_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def test_users_whose_city_is_merged_during_the_import_all_end_in_the_other_city(
    new_database: str, tmp_path: Path, model: Model
) -> None:
    sql = sql_on(new_database)
    rows = user_rows(model, ROWS)
    for number, row in enumerate(rows):
        row["city"] = (WRONG, RIGHT)[number % 2]
    import_users(new_database, write_csv(tmp_path / "first.csv", rows[:2]))
    ids = dict(sql("SELECT name, id FROM cities WHERE id IN (SELECT city_id FROM memberships)"))
    # Without the first two: whichever came first would move the one in the merged city.
    path = write_csv(tmp_path / "users.csv", rows[2:])
    command = ("users", "import", str(path), "--yes", "--json")
    importing = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=new_database)
    wait_until(lambda: sql("SELECT count(*) > 100 FROM memberships") == [(True,)])
    merge = ("cities", "merge", str(ids[WRONG]), str(ids[RIGHT]), "--yes")
    done = run_manage(*merge, DATABASE_URL=new_database)
    assert done.returncode == 0, done.stderr
    assert importing.stdout is not None
    counts = json.loads(importing.stdout.read())
    assert importing.wait() == 0
    # The import was running when the cities were merged, and recorded no moves itself.
    assert sql(
        "SELECT merge.started_at < import.finished_at FROM admin_runs AS merge,"
        " admin_runs AS import"
        " WHERE merge.command = 'cities merge' AND import.counts ->> 'read' = %s",
        (str(ROWS - 2),),
    ) == [(True,)]
    assert (counts["placed"], counts["rejected"], counts["moved"]) == (ROWS - 2, 0, 0)
    assert sql(
        "SELECT member.city_id, rooms.city_id, count(*) FROM memberships AS member"
        " JOIN rooms ON rooms.id = member.room_id GROUP BY 1, 2"
    ) == [(ids[RIGHT], ids[RIGHT], ROWS)]
    assert sql("SELECT DISTINCT reason FROM room_changes") == [("merge",)]


def test_users_whose_towns_are_gathered_during_the_import_are_all_in_rooms_of_the_hub(
    new_database: str, tmp_path: Path, model: Model
) -> None:
    sql = sql_on(new_database)
    one, other = (profile_of(model, cluster)[0] for cluster in model.cluster_ids[:2])
    towns = {"a": (WITH_ROOM, one), "b": (WITH_ROOM, one), "c": (WITHOUT_ROOM, other)}
    rows = [
        {"_id": user, "city": city, "country": "ES", "interests": interest}
        for user, (city, interest) in towns.items()
    ]
    import_users(new_database, write_csv(tmp_path / "first.csv", rows[:1]))
    path = write_csv(tmp_path / "users.csv", rows[1:])
    with closing(psycopg2.connect(direct_url(new_database))) as gather, gather.cursor() as cursor:
        cursor.execute(
            "UPDATE cities SET hub_id ="
            " (SELECT id FROM cities WHERE name = %s AND country_code = 'ES')"
            " WHERE name IN (%s, %s) AND country_code = 'ES' RETURNING hub_id",
            (RIGHT, WITH_ROOM, WITHOUT_ROOM),
        )
        ((hub,), _) = cursor.fetchall()
        command = ("users", "import", str(path), "--yes", "--json")
        importing = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=new_database)
        # It creates the room of the second town, and waits for the gather.
        wait_until(lambda: sql(LOCK_WAITS) == [(1,)])
        gather.commit()
    assert importing.stdout is not None
    counts = json.loads(importing.stdout.read())
    assert importing.wait() == 0
    assert (counts["read"], counts["placed"], counts["unchanged"]) == (2, 2, 0)
    assert sql(
        "SELECT rooms.city_id FROM memberships JOIN rooms ON rooms.id = room_id"
        " WHERE user_id IN ('b', 'c')"
    ) == [(hub,), (hub,)]
