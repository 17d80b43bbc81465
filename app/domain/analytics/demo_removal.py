"""Removes the demo population from the database."""

from collections.abc import Sequence
from typing import Any

from app.domain.analytics.demo import PREFIX, vacuum
from app.domain.analytics.publication import publish
from app.domain.members.empty_places import EmptyPlaces
from app.domain.moves.relocation import LOCK_CHANGES
from app.domain.runs.admin_runs import Run
from app.infra.database import Database

# The demo gathered towns that its people came from, and towns whose people all came later.
FIND_TRACES = f"""
    SELECT DISTINCT member.room_id, previous_room_id, member.city_id, redirect.city_id AS gathered
    FROM memberships AS member
    LEFT JOIN room_redirects AS redirect ON redirect.id = member.previous_room_id
    WHERE user_id LIKE '{PREFIX}%%'
"""
# Citus refuses a subquery of the sharded table that depends on a row of another one.
IS_LEFT = "id NOT IN (SELECT {member} FROM memberships WHERE {member} = ANY({traces}))"
DELETE_STATEMENTS = (
    "UPDATE deletions SET members = members - demo_members, demo_members = 0"
    " WHERE demo_members > 0",
    "DELETE FROM deletions WHERE members = 0",
    *(
        f"DELETE FROM {table} WHERE user_id LIKE '{PREFIX}%%'"
        for table in ("room_changes", "memberships")
    ),
    f"""
    DELETE FROM room_redirects WHERE id = ANY(%(rooms)s)
    AND {IS_LEFT.format(member="previous_room_id", traces="%(rooms)s")}
    """,
    f"""
    UPDATE cities SET hub_id = NULL WHERE hub_id IS NOT NULL AND id = ANY(%(cities)s)
    AND {IS_LEFT.format(member="city_id", traces="%(cities)s")}
    """,
    f"""
    DELETE FROM rooms WHERE id = ANY(%(rooms)s)
    AND NOT EXISTS (SELECT FROM room_redirects WHERE room_redirects.room_id = rooms.id)
    AND {IS_LEFT.format(member="room_id", traces="%(rooms)s")}
    """,
)


def remove(database: Database, run: Run) -> None:
    """Delete the demo people, with the villages and rooms in which nobody else is, and give the
    towns that the demo gathered their own rooms again. Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.exec_driver_sql(LOCK_CHANGES)
        traces = connection.exec_driver_sql(FIND_TRACES).all()
        parameters = {
            "rooms": _ids(traces, "room_id", "previous_room_id"),
            "cities": _ids(traces, "city_id", "gathered"),
        }
        for statement in DELETE_STATEMENTS:
            run.count("rows", connection.exec_driver_sql(statement, parameters).rowcount)
    EmptyPlaces(database).remove_all()
    vacuum(database)
    publish(database, anew=True)


def _ids(rows: Sequence[Any], *columns: str) -> list[int]:
    """Return all ids in some columns of rows, each once."""
    ids = {getattr(row, column) for row in rows for column in columns}
    return sorted(ids - {None})
