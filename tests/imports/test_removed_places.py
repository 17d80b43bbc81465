"""Imports of users whose typed place is removed, with its last user, while the import runs."""

import csv
import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from app.domain.moves.relocation import LOCK_CHANGES
from tests.support.databases import direct_url, sql_on
from tests.support.http import session
from tests.support.manage import start_process
from tests.support.serving import Gunicorn, wait_until
from tests.support.user_files import write_csv

PLACE = "Zuheros del Mar"
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'room_changes'::regclass"


def test_users_whose_place_is_removed_during_the_import_get_a_new_one(
    serve: Callable[..., Gunicorn], new_database: str, tmp_path: Path
) -> None:
    server, sql = serve(WEB_CONCURRENCY="1"), sql_on(new_database)
    with session() as http, closing(psycopg2.connect(direct_url(new_database))) as holder:
        body = {"_id": "ana", "city": PLACE, "interests": ["surf"]}
        old = http.post(f"{server.url}/rooms", json=body).json()["city"]["id"]
        # Two users who type it, and two who send its id, which nothing leads to afterwards.
        rows: list[dict[str, Any]] = [
            {"_id": f"u{n}", "city": PLACE if n < 2 else "", "city_id": "" if n < 2 else old}
            for n in range(4)
        ]
        path = write_csv(tmp_path / "users.csv", [row | {"interests": "surf"} for row in rows])
        holder.cursor().execute(LOCK_CHANGES)
        command = ("users", "import", str(path), "--yes", "--json")
        importing = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=new_database)
        wait_until(lambda: sql(WAITS) == [(1,)])
        assert http.delete(f"{server.url}/users/ana").status_code == 204
        assert sql("SELECT count(*) FROM cities WHERE NOT listed") == [(0,)]
        holder.commit()
    assert importing.stdout is not None
    counts = json.loads(importing.stdout.read())
    assert importing.wait() == 0
    assert (counts["read"], counts["placed"], counts["rejected"]) == (4, 2, 2)
    with (tmp_path / "users.rejects.csv").open() as file:
        assert [row["_id"] for row in csv.DictReader(file)] == ["u2", "u3"]
    assert sql(
        "SELECT user_id, city.name, city.id <> %s FROM memberships"
        " JOIN rooms ON rooms.id = room_id JOIN cities AS city ON city.id = rooms.city_id"
        " ORDER BY 1",
        (old,),
    ) == [("u0", PLACE, True), ("u1", PLACE, True)]
