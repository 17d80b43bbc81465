"""An import of users whose city is merged into another during the import."""

import json
import subprocess
from pathlib import Path

from app.domain.imports.importer import CHUNK_SIZE
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import run_manage, start_process
from tests.support.serving import wait_until
from tests.support.user_files import import_users, user_rows, write_csv

ROWS = 40 * CHUNK_SIZE
WRONG, RIGHT = "Valladolidd", "Valladolid"


def test_users_whose_city_is_merged_during_the_import_all_end_in_the_other_city(
    new_database: str, tmp_path: Path, model: Model
) -> None:
    sql = sql_on(new_database)
    rows = user_rows(model, ROWS)
    for number, row in enumerate(rows):
        row["city"] = (WRONG, RIGHT)[number % 2]
    import_users(new_database, write_csv(tmp_path / "first.csv", rows[:2]))
    ids = dict(sql("SELECT name, id FROM cities WHERE id IN (SELECT city_id FROM memberships)"))
    path = write_csv(tmp_path / "users.csv", rows)
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
        (str(ROWS),),
    ) == [(True,)]
    assert (counts["placed"], counts["rejected"], counts["moved"]) == (ROWS - 2, 0, 0)
    assert sql(
        "SELECT member.city_id, rooms.city_id, count(*) FROM memberships AS member"
        " JOIN rooms ON rooms.id = member.room_id GROUP BY 1, 2"
    ) == [(ids[RIGHT], ids[RIGHT], ROWS)]
    assert sql("SELECT DISTINCT reason FROM room_changes") == [("merge",)]
