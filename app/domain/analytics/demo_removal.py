"""Removes the demo population."""

from app.domain.analytics.demo import PREFIX, vacuum
from app.domain.analytics.publication import publish
from app.domain.members.empty_places import EmptyPlaces
from app.domain.moves.relocation import LOCK_CHANGES
from app.domain.runs.admin_runs import Run
from app.infra.database import Database

# The demo gathered towns that its people came from, and towns whose people all came later.
FIND_TRACES = f"""
    CREATE TEMPORARY TABLE traces ON COMMIT DROP AS
    SELECT DISTINCT member.room_id, previous_room_id, member.city_id, redirect.city_id AS gathered
    FROM memberships AS member
    LEFT JOIN room_redirects AS redirect ON redirect.id = member.previous_room_id
    WHERE user_id LIKE '{PREFIX}%%'
"""
# Where everybody else is.
FIND_OTHERS = """
    CREATE TEMPORARY TABLE others ON COMMIT DROP AS
    SELECT DISTINCT room_id, previous_room_id, city_id FROM memberships
"""
DELETE_PEOPLE = (
    "UPDATE deletions SET members = members - demo_members, demo_members = 0"
    " WHERE demo_members > 0",
    "DELETE FROM deletions WHERE members = 0",
    *(
        f"DELETE FROM {table} WHERE user_id LIKE '{PREFIX}%%'"
        for table in ("room_changes", "memberships")
    ),
)
# Pairs of statements: Citus deletes nothing by a join with a temporary table, so the ids are read
# first.
RESTORE_PLACES = (
    (
        """
        SELECT id FROM room_redirects WHERE id IN (SELECT previous_room_id FROM traces)
        AND NOT EXISTS (SELECT FROM others WHERE previous_room_id = room_redirects.id)
        """,
        "DELETE FROM room_redirects WHERE id = ANY(%(ids)s)",
    ),
    (
        """
        SELECT id FROM cities
        WHERE hub_id IS NOT NULL AND id IN (SELECT unnest(ARRAY[city_id, gathered]) FROM traces)
        AND NOT EXISTS (SELECT FROM others WHERE city_id = cities.id)
        """,
        "UPDATE cities SET hub_id = NULL WHERE id = ANY(%(ids)s)",
    ),
    (
        """
        SELECT id FROM rooms
        WHERE id IN (SELECT unnest(ARRAY[room_id, previous_room_id]) FROM traces)
        AND NOT EXISTS (SELECT FROM room_redirects WHERE room_redirects.room_id = rooms.id)
        AND NOT EXISTS (SELECT FROM others WHERE room_id = rooms.id)
        """,
        "DELETE FROM rooms WHERE id = ANY(%(ids)s)",
    ),
)


def remove(database: Database, run: Run) -> None:
    """Delete the demo people, with the villages and rooms in which nobody else is, and give the
    towns that the demo gathered their own rooms again. Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.exec_driver_sql(LOCK_CHANGES)
        connection.exec_driver_sql(FIND_TRACES)
        for statement in DELETE_PEOPLE:
            run.count("rows", connection.exec_driver_sql(statement).rowcount)
        connection.exec_driver_sql(FIND_OTHERS)
        for find, change in RESTORE_PLACES:
            ids = connection.exec_driver_sql(find).scalars().all()
            run.count("rows", connection.exec_driver_sql(change, {"ids": list(ids)}).rowcount)
    EmptyPlaces(database).remove_all()
    vacuum(database)
    publish(database, anew=True)
