"""`cities unmerge`: takes a merge back, because the two cities are not the same place."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy

from app.domain.moves.gathering import DELETE_REDIRECTS, LOCK_CITIES, RESTORE_ROOMS
from app.domain.moves.relocation import Relocation, in_transaction
from app.infra.database import Database


class CannotUnmerge(Exception):
    """The city does not exist or is not merged; the text states what to do."""


@dataclass(frozen=True, slots=True)
class UnmergePlan:
    """What taking a merge back changes: the rooms that open again, the members who return.

    `into_id` and `into_name`: None where an interrupted run has separated the two already.
    """

    city_id: int
    name: str
    country: str | None
    into_id: int | None
    into_name: str | None
    rooms: int
    people: int


FIND = """
    SELECT city.name, city.country_code AS country, town.id AS into_id, town.name AS into_name,
           (SELECT count(DISTINCT cluster_id) FROM room_redirects
            WHERE city_id = city.id) AS rooms
    FROM cities AS city LEFT JOIN cities AS town ON town.id = city.merged_into
    WHERE city.id = %(id)s
"""
# Also those whom an interrupted run left in a room of the other city's, when a merge of that one
# has taken them along.
COUNT_PEOPLE = """
    SELECT count(*) AS people
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS city ON city.id = %(id)s
    WHERE member.said_city_id = %(id)s
       OR (member.city_id = %(id)s AND city.hub_id IS NULL AND rooms.city_id <> %(id)s)
"""
CLEAR_POINTER = """
    UPDATE cities SET merged_into = NULL, merged_at = NULL WHERE id = ANY(%(towns)s)
"""


def plan_unmerge(database: Database, city_id: int) -> UnmergePlan:
    """Return what taking a city's merge back would change.

    Raises CannotUnmerge, DatabaseUnavailable.
    """
    rows = database.execute(FIND, {"id": city_id})
    if not rows:
        raise CannotUnmerge(f"there is no city {city_id}; `manage.py cities find NAME` finds ids")
    (counted,) = database.execute(COUNT_PEOPLE, {"id": city_id})
    plan = UnmergePlan(city_id=city_id, people=counted.people, **rows[0]._asdict())
    if plan.into_id is None and not plan.people:
        raise CannotUnmerge(f"{plan.name} ({city_id}) is not merged into another city")
    return plan


def unmerge(relocation: Relocation, city_id: int) -> None:
    """Make a merged city a city again: with its names, its id, its rooms and its people.

    Its rooms have their old ids. Cities that were merged into it, and towns that shared its rooms,
    stay with the other city. A repeated run finishes what an interrupted one began. Raises
    DatabaseUnavailable.
    """
    in_transaction(relocation.database, lambda connection: _separate(connection, city_id))
    relocation.relocate([city_id])


def _separate(connection: sqlalchemy.Connection, city_id: int) -> None:
    parameters: dict[str, Any] = {"cities": [city_id], "towns": [city_id]}
    for statement in (LOCK_CITIES, CLEAR_POINTER, RESTORE_ROOMS, DELETE_REDIRECTS):
        connection.exec_driver_sql(statement, parameters)
