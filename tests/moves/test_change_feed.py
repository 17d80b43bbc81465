"""Which moves GET /changes and GET /users show, and how long they are kept."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from flask.testing import FlaskClient

from app.domain.moves.change_feed import MAX_ROWS_DELETED_AT_ONCE, delete_old_changes
from app.domain.moves.relocation import LOCK_CHANGES
from model.predict import Model
from tests.support.databases import Sql, sql_on
from tests.support.http import place
from tests.support.serving import Gunicorn, wait_until
from tests.support.user_files import import_users, user_rows, write_csv

# A move of user-1 for each number of days since.
MOVES = """
    INSERT INTO room_changes (user_id, from_room, to_room, reason, at)
    SELECT 'user-1', days, 0, 'merge', now() - make_interval(days => days)
    FROM unnest(%s) AS days
"""
DAYS = "SELECT from_room FROM room_changes ORDER BY id"


def test_moves_past_their_30_days_are_not_shown(client: FlaskClient, sql: Sql) -> None:
    place(client)
    sql(MOVES, ([40, 31, 29, 0],))
    for path, moves in (("/changes", "items"), ("/users/user-1", "moves")):
        shown = client.get(path).json[moves]
        assert [move["from_room"] for move in shown] == [29, 0], path


def test_a_service_without_requests_and_commands_deletes_them(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    sql = sql_on(new_database)
    sql(MOVES, ([31] * (2 * MAX_ROWS_DELETED_AT_ONCE + 1) + [29],))
    serve(WEB_CONCURRENCY="1")
    wait_until(lambda: sql(DAYS) == [(29,)])


def test_deleting_them_waits_for_no_lock_that_commands_and_erasures_hold(
    app: Any, client: FlaskClient, database_url: str, sql: Sql
) -> None:
    sql(MOVES, ([40, 31, 29],))
    with closing(psycopg2.connect(database_url)) as holder, holder.cursor() as cursor:
        cursor.execute(LOCK_CHANGES)
        cursor.execute("SELECT FROM room_changes WHERE from_room = 40 FOR UPDATE")
        delete_old_changes(app.extensions["nomad_rooms"].database)
        assert sql(DAYS) == [(40,), (29,)]
        holder.rollback()  # a closed connection gives its locks up a little later
    delete_old_changes(app.extensions["nomad_rooms"].database)
    assert sql(DAYS) == [(29,)]


def test_an_import_records_moves_of_users_whose_join_is_later_by_another_machines_clock(
    new_database: str, tmp_path: Path, model: Model
) -> None:
    sql = sql_on(new_database)
    rows = user_rows(model, 3)
    import_users(new_database, write_csv(tmp_path / "first.csv", rows))
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    sql("UPDATE memberships SET created_at = %s, joined_at = %s, updated_at = %s", (ahead,) * 3)
    for row in rows[:2]:
        row["city"] = "Teruel"
    counts = import_users(new_database, write_csv(tmp_path / "second.csv", rows))
    assert (counts["placed"], counts["moved"], counts["unchanged"]) == (2, 2, 1)
    moves = sql("SELECT user_id, reason FROM room_changes ORDER BY user_id")
    assert moves == [("user-0", "import"), ("user-1", "import")]
