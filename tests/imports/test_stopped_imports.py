"""An import that is killed or stopped, at moments spread over its way, and run again."""

import signal
from pathlib import Path
from typing import Any

from app.domain.imports.importer import CHUNK_SIZE
from model.predict import Model
from tests.imports.test_import import imported, memberships, users, write
from tests.support.databases import sql_on
from tests.support.manage import start_process
from tests.support.serving import until

KILLS = 5
ROWS = 2 * (KILLS + 1) * CHUNK_SIZE
# What all runs together have placed, once the one that is under way has landed a chunk.
PLACED = """
    SELECT sum((counts ->> 'placed')::int) FROM admin_runs
    HAVING max(id) FILTER (WHERE counts <> '{}') > %s
"""
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = 'nomad-rooms'"
)


def a_base_and_its_next_export(place: Path, model: Model) -> tuple[Path, Path]:
    """Users, and more of them later, of whom some moved to another city meanwhile."""
    rows = users(model, ROWS)
    base = write(place / "base.csv", rows[::20])
    for row in rows[::40]:
        row["city"] = "Teruel"
    return base, write(place / "users.csv", rows)


def stop_once(url: str, path: Path, placed: int, how: signal.Signals) -> str:
    """Stop an import when all runs together have placed so many; what it says to that."""
    sql, told = sql_on(url), path.with_suffix(".stderr")
    ((before,),) = sql("SELECT max(id) FROM admin_runs")

    def has_placed_so_many() -> bool:
        found = sql(PLACED, (before,))
        return bool(found) and found[0][0] >= placed

    with told.open("wb") as stderr:
        command = ("users", "import", str(path), "--yes")
        process = start_process(*command, stderr=stderr, DATABASE_URL=url)
        until(lambda: has_placed_so_many() or process.poll() is not None)
        process.send_signal(how)
        assert process.wait() in (-how, 1), "it had ended before"
    # What a killed client had sent may be committed a moment later.
    until(lambda: not sql(OTHERS)[0][0])
    return told.read_text()


def moves(url: str) -> list[tuple[Any, ...]]:
    """Every move, by the city and cluster of its rooms: their ids differ between databases."""
    return sql_on(url)(
        "SELECT user_id, reason, old.city_id, old.cluster_id, new.city_id, new.cluster_id,"
        " member.previous_room_id = from_room FROM room_changes"
        " JOIN rooms AS old ON old.id = from_room JOIN rooms AS new ON new.id = to_room"
        " JOIN memberships AS member USING (user_id) ORDER BY user_id"
    )


def test_after_five_kills_and_a_ctrl_c_an_import_ends_like_one_that_was_not_stopped(
    new_database: str, server: Any, tmp_path: Path, model: Model
) -> None:
    base, path = a_base_and_its_next_export(tmp_path, model)
    there = imported(new_database, base)["placed"]
    for kill in range(KILLS):
        stop_once(new_database, path, there + 1 + kill * CHUNK_SIZE, signal.SIGKILL)
        assert_the_runs_tell_the_truth(new_database)
    told = stop_once(new_database, path, there + 1 + KILLS * CHUNK_SIZE, signal.SIGINT)
    assert "Error: stopped; what is placed stays: run it again" in told
    assert_the_runs_tell_the_truth(new_database)
    counts = imported(new_database, path)
    assert counts["read"] == ROWS
    assert 0 < counts["placed"] < ROWS - KILLS * CHUNK_SIZE
    assert_the_runs_tell_the_truth(new_database)
    with server.database() as clean:
        imported(clean, base)
        imported(clean, path)
        assert memberships(clean) == memberships(new_database)
        assert moves(clean) == moves(new_database) != []
    ended = sql_on(new_database)("SELECT status, count(*) FROM admin_runs GROUP BY 1 ORDER BY 1")
    assert ended == [("done", 2), ("interrupted", 1), ("running", KILLS)]


def assert_the_runs_tell_the_truth(url: str) -> None:
    """The counts of all runs, those of killed ones too, are together what is there."""
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
