"""`cities gather` and `cities release`: small towns share the rooms of a hub.

Half of the first thousand users would be alone in their room. hub_selection.py decides which town
goes to which hub.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy

from app.domain.moves.hub_selection import MIN_LIVELY_MEMBERS, Gathering, Town, choose_hubs
from app.domain.moves.relocation import Relocation, in_transaction
from app.infra.database import Database


class CannotRelease(Exception):
    """The town does not exist or was merged into another city; the text names it."""


@dataclass(frozen=True, slots=True)
class GatherPlan:
    """Which towns would share whose rooms, and what that does to lonely rooms.

    `members`: all members; `lonely_now` and `lonely_then`: those in rooms of under 5, before and
    after.
    """

    gatherings: list[Gathering]
    members: int
    lonely_now: int
    lonely_then: int

    @property
    def people(self) -> int:
        return sum(gathering.town.people for gathering in self.gatherings)

    @property
    def distances_km(self) -> list[float]:
        """The distance to the hub of each person gathered, ascending."""
        return sorted(
            gathering.km for gathering in self.gatherings for _ in range(gathering.town.people)
        )


# The towns that have members, or are gathered, or are hubs.
FIND_TOWNS = """
    SELECT city.id, city.name, city.country_code AS country, city.latitude, city.longitude,
           coalesce(city.population, 0) AS population, city.hub_id
    FROM cities AS city
    WHERE city.listed AND city.merged_into IS NULL AND city.latitude IS NOT NULL
      AND (city.id = ANY(%(with_members)s) OR city.hub_id IS NOT NULL
           OR EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = city.id))
"""
# All members by the city of their room, its cluster, and the town they said.
COUNT_MEMBERS = """
    SELECT rooms.city_id AS host, rooms.cluster_id AS cluster,
           coalesce(city.merged_into, city.id) AS town, count(*) AS people
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS city ON city.id = member.city_id
    GROUP BY 1, 2, 3
"""
# Not where the hub was gathered itself meanwhile, or the town became a hub.
SET_POINTERS = """
    UPDATE cities AS town SET hub_id = hub.id
    FROM unnest(%(towns)s::bigint[], %(hubs)s::bigint[]) AS planned (town_id, hub_id),
        cities AS hub
    WHERE town.id = planned.town_id AND hub.id = planned.hub_id AND town.merged_into IS NULL
      AND town.hub_id IS NULL AND hub.merged_into IS NULL AND hub.hub_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = town.id)
"""
# In the order of ids: two commands cannot deadlock over cities.
LOCK_CITIES = "SELECT id FROM cities WHERE id = ANY(%(cities)s) ORDER BY id FOR NO KEY UPDATE"
FIND_GATHERED = """
    SELECT id FROM cities WHERE hub_id IS NOT NULL AND merged_into IS NULL ORDER BY id
"""
# The towns that are gathered, and those whose people an interrupted release left in a hub's room.
FIND_RELEASABLE = """
    SELECT id FROM cities WHERE hub_id IS NOT NULL AND merged_into IS NULL
    UNION
    SELECT town.id
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS town ON town.id = member.city_id
    WHERE town.merged_into IS NULL AND town.hub_id IS NULL AND rooms.city_id <> town.id
    ORDER BY 1
"""
FIND_MERGED_INTO = "SELECT id, merged_into FROM cities WHERE id = ANY(%(towns)s)"
CLEAR_POINTERS = "UPDATE cities SET hub_id = NULL WHERE id = ANY(%(towns)s)"
# Rooms get their old ids back in the transaction that clears the pointer: from then on a join finds
# them, and none can have created another room of the pair. Of several the last: the city's own.
RESTORE_ROOMS = """
    INSERT INTO rooms (id, city_id, cluster_id)
    SELECT DISTINCT ON (city_id, cluster_id) id, city_id, cluster_id
    FROM room_redirects WHERE city_id = ANY(%(towns)s)
    ORDER BY city_id, cluster_id, at DESC, id
    ON CONFLICT (city_id, cluster_id) DO NOTHING
"""
DELETE_REDIRECTS = """
    DELETE FROM room_redirects AS old USING rooms
    WHERE old.id = rooms.id AND old.city_id = ANY(%(towns)s)
"""


def plan_gather(database: Database, radius_km: float, min_members: int) -> GatherPlan:
    """Return which towns would share whose rooms, for the members of today.

    Raises DatabaseUnavailable.
    """
    groups = database.execute(COUNT_MEMBERS)
    members: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for group in groups:
        members[group.town][group.cluster] += group.people
    rows = database.execute(FIND_TOWNS, {"with_members": list(members)})
    towns = [Town(members=members[row.id], **row._asdict()) for row in rows]
    gatherings = choose_hubs(towns, radius_km, min_members)
    hubs = {town.id: town.hub_id for town in towns if town.hub_id is not None}
    hubs |= {town: gathering.hub.id for town, gathering in gatherings.items()}
    now: Counter[tuple[int, int]] = Counter()
    then: Counter[tuple[int, int]] = Counter()
    for group in groups:
        now[group.host, group.cluster] += group.people
        then[hubs.get(group.town) or group.host, group.cluster] += group.people
    return GatherPlan(list(gatherings.values()), now.total(), _lonely(now), _lonely(then))


def gather(relocation: Relocation, plan: GatherPlan) -> None:
    """Set the towns' pointers, then move their people.

    A repeated run finishes what an interrupted one began. Raises DatabaseUnavailable.
    """
    in_transaction(relocation.database, lambda connection: _set_pointers(connection, plan))
    # All gathered towns and not only the new ones: an earlier run may have been interrupted.
    relocation.relocate([row.id for row in relocation.database.execute(FIND_GATHERED)])


def releasable_towns(database: Database, town_ids: Sequence[int]) -> list[int]:
    """Return the towns to release: those given, or all that are gathered or half released.

    Raises CannotRelease, DatabaseUnavailable.
    """
    if not town_ids:
        return [row.id for row in database.execute(FIND_RELEASABLE)]
    rows = database.execute(FIND_MERGED_INTO, {"towns": list(town_ids)})
    merged_into = {row.id: row.merged_into for row in rows}
    for town in town_ids:
        if town not in merged_into:
            raise CannotRelease(f"there is no city {town}; `manage.py cities find NAME` finds ids")
        if merged_into[town] is not None:
            raise CannotRelease(
                f"city {town} was merged into {merged_into[town]}: `manage.py cities unmerge"
                f" {town}` takes that back"
            )
    return list(town_ids)


def release(relocation: Relocation, towns: Sequence[int]) -> None:
    """Move people back to the town they said, into its former rooms.

    A repeated run finishes what an interrupted one began. Raises DatabaseUnavailable.
    """
    in_transaction(relocation.database, lambda connection: _clear_pointers(connection, towns))
    relocation.relocate(towns)


def _lonely(rooms: Counter[tuple[int, int]]) -> int:
    return sum(members for members in rooms.values() if members < MIN_LIVELY_MEMBERS)


def _set_pointers(connection: sqlalchemy.Connection, plan: GatherPlan) -> None:
    towns = [gathering.town.id for gathering in plan.gatherings]
    hubs = [gathering.hub.id for gathering in plan.gatherings]
    connection.exec_driver_sql(LOCK_CITIES, {"cities": towns + hubs})
    connection.exec_driver_sql(SET_POINTERS, {"towns": towns, "hubs": hubs})


def _clear_pointers(connection: sqlalchemy.Connection, towns: Sequence[int]) -> None:
    parameters = {"towns": list(towns)}
    connection.exec_driver_sql(LOCK_CITIES, {"cities": list(towns)})
    for statement in (CLEAR_POINTERS, RESTORE_ROOMS, DELETE_REDIRECTS):
        connection.exec_driver_sql(statement, parameters)
