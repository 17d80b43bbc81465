"""An import that is killed or interrupted at several points, and run again."""

import signal
from pathlib import Path
from typing import Any

from app.domain.imports.importer import CHUNK_SIZE
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import start_process
from tests.support.serving import wait_until
from tests.support.user_files import import_users, memberships, user_rows, write_csv

KILLS = 5
ROWS = 2 * (KILLS + 1) * CHUNK_SIZE
# Users placed by all runs together, once the current run has committed a chunk.
COUNT_PLACED = """
    SELECT sum((counts ->> 'placed')::int) FROM admin_runs
    HAVING max(id) FILTER (WHERE counts <> '{}') > %s
"""
COUNT_OTHER_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = 'nomad-rooms'"
)


def write_exports(directory: Path, model: Model) -> tuple[Path, Path]:
    """Write an export and a later one, with more users, some of whom moved to another city."""
    rows = user_rows(model, ROWS)
    base = write_csv(directory / "base.csv", rows[::20])
    for row in rows[::40]:
        row["city"] = "Teruel"
    return base, write_csv(directory / "users.csv", rows)


def stop_import(url: str, path: Path, placed: int, number: signal.Signals) -> str:
    """Stop an import once all runs together have placed this many users; return its stderr."""
    sql, log = sql_on(url), path.with_suffix(".stderr")
    ((last_run,),) = sql("SELECT max(id) FROM admin_runs")

    def has_placed_enough() -> bool:
        rows = sql(COUNT_PLACED, (last_run,))
        return bool(rows) and rows[0][0] >= placed

    with log.open("wb") as stderr:
        command = ("users", "import", str(path), "--yes")
        process = start_process(*command, stderr=stderr, DATABASE_URL=url)
        wait_until(lambda: has_placed_enough() or process.poll() is not None)
        process.send_signal(number)
        assert process.wait() in (-number, 1), "the import ended before the signal"
    # The server may commit a statement of a killed client a moment later.
    wait_until(lambda: not sql(COUNT_OTHER_CONNECTIONS)[0][0])
    return log.read_text()


def moves(url: str) -> list[tuple[Any, ...]]:
    """Return every move, with the city and cluster of its rooms: ids differ between databases."""
    return sql_on(url)(
        "SELECT user_id, reason, old.city_id, old.cluster_id, new.city_id, new.cluster_id,"
        " member.previous_room_id = from_room FROM room_changes"
        " JOIN rooms AS old ON old.id = from_room JOIN rooms AS new ON new.id = to_room"
        " JOIN memberships AS member USING (user_id) ORDER BY user_id"
    )


def test_after_five_kills_and_a_ctrl_c_an_import_ends_like_one_without_interruptions(
    new_database: str, server: Any, tmp_path: Path, model: Model
) -> None:
    base, path = write_exports(tmp_path, model)
    placed = import_users(new_database, base)["placed"]
    for kill in range(KILLS):
        stop_import(new_database, path, placed + 1 + kill * CHUNK_SIZE, signal.SIGKILL)
        assert_counts_of_runs_are_right(new_database)
    stderr = stop_import(new_database, path, placed + 1 + KILLS * CHUNK_SIZE, signal.SIGINT)
    assert "Error: stopped: placed users are kept; run the command again" in stderr
    assert_counts_of_runs_are_right(new_database)
    counts = import_users(new_database, path)
    assert counts["read"] == ROWS
    assert 0 < counts["placed"] < ROWS - KILLS * CHUNK_SIZE
    assert_counts_of_runs_are_right(new_database)
    with server.database() as clean:
        import_users(clean, base)
        import_users(clean, path)
        assert memberships(clean) == memberships(new_database)
        assert moves(clean) == moves(new_database) != []
    statuses = sql_on(new_database)("SELECT status, count(*) FROM admin_runs GROUP BY 1 ORDER BY 1")
    assert statuses == [("done", 2), ("interrupted", 1), ("running", KILLS)]


def assert_counts_of_runs_are_right(url: str) -> None:
    """Assert that the counts of all runs, also of killed ones, add up to what is stored."""
    sql = sql_on(url)
    placed = moved = rooms = 0
    for (counts,) in sql("SELECT counts FROM admin_runs WHERE counts <> '{}'"):
        assert counts["read"] == counts["placed"] + counts["unchanged"] + counts["rejected"]
        placed, moved = placed + counts["placed"], moved + counts["moved"]
        rooms += counts["rooms_created"]
    assert sql(
        "SELECT (SELECT count(*) FROM memberships) +"
        " (SELECT count(*) FROM memberships WHERE updated_at > created_at),"
        " (SELECT count(*) FROM room_changes), (SELECT count(*) FROM rooms)"
    ) == [(placed, moved, rooms)]
