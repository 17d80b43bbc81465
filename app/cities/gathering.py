"""`cities gather` and `cities release`: small towns share the rooms of a hub, for a while.

Half of the first thousand users would be alone in their room. Which town goes to which hub is
chosen in hubs.py.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import text

from app.cities.hubs import LONELY, Gathering, Town, choose_hubs
from app.db import Database
from app.rooms.moving import Move, in_transaction


class CannotRelease(Exception):
    """There is no such town, or it is another city for ever; the text says which."""


@dataclass(frozen=True, slots=True)
class GatherPlan:
    """Who would share whose rooms; members in rooms under 5, of how many, now and afterwards."""

    gatherings: list[Gathering]
    members: int
    lonely_now: int
    lonely_then: int

    @property
    def people(self) -> int:
        return sum(gathering.town.people for gathering in self.gatherings)

    @property
    def distances(self) -> list[float]:
        """Kilometres to the hub, one for each person gathered, ascending."""
        return sorted(
            gathering.km for gathering in self.gatherings for _ in range(gathering.town.people)
        )


# The towns that have members, or are gathered, or are hubs.
TOWNS = """
    SELECT city.id, city.name, city.country_code, city.latitude, city.longitude,
           coalesce(city.population, 0), city.hub_id
    FROM cities AS city
    WHERE city.listed AND city.merged_into IS NULL AND city.latitude IS NOT NULL
      AND (city.id = ANY(%(with_members)s) OR city.hub_id IS NOT NULL
           OR EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = city.id))
"""
# Of everybody: the city of the room they are in, its cluster, and the town they said.
GROUPS = """
    SELECT rooms.city_id, rooms.cluster_id, coalesce(said.merged_into, said.id), count(*)
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS said ON said.id = member.city_id
    GROUP BY 1, 2, 3
"""
# Not where a hub has become gathered itself meanwhile, nor where a town has become a hub.
SIGNPOST = text("""
    UPDATE cities AS town SET hub_id = :hub
    FROM cities AS hub
    WHERE town.id = :town AND hub.id = :hub AND town.merged_into IS NULL AND town.hub_id IS NULL
      AND hub.merged_into IS NULL AND hub.hub_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM cities AS other WHERE other.hub_id = town.id)
""")
# Locked in the order of their ids: no two commands can wait for each other over cities.
LOCK = text("SELECT id FROM cities WHERE id = ANY(:cities) ORDER BY id FOR NO KEY UPDATE")
GATHERED = "SELECT id FROM cities WHERE hub_id IS NOT NULL AND merged_into IS NULL ORDER BY id"
# The towns that are gathered, and those whose people a stopped release left in the hub's rooms.
RELEASABLE = """
    SELECT id FROM cities WHERE hub_id IS NOT NULL AND merged_into IS NULL
    UNION
    SELECT town.id
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN cities AS town ON town.id = member.city_id
    WHERE town.merged_into IS NULL AND town.hub_id IS NULL AND rooms.city_id <> town.id
    ORDER BY 1
"""
UNPOINT = text("UPDATE cities SET hub_id = NULL WHERE id = ANY(:towns)")
# Rooms get their old ids back in the transaction that takes the signpost away: from then on a join
# finds them, and nobody can have made another of the pair.
RESTORE = text("""
    INSERT INTO rooms (id, city_id, cluster_id)
    SELECT DISTINCT ON (city_id, cluster_id) id, city_id, cluster_id
    FROM room_redirects WHERE city_id = ANY(:towns) ORDER BY city_id, cluster_id, id
    ON CONFLICT (city_id, cluster_id) DO NOTHING
""")
DROP_REDIRECTS = text("""
    DELETE FROM room_redirects AS old USING rooms
    WHERE old.id = rooms.id AND old.city_id = ANY(:towns)
""")


def plan_gather(database: Database, radius_km: float, min_members: int) -> GatherPlan:
    """Who would share whose rooms, from where people are now.

    Raises DatabaseUnavailable.
    """
    groups = database.execute(GROUPS)
    members: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for _, cluster, town, people in groups:
        members[town][cluster] += people
    rows = database.execute(TOWNS, {"with_members": list(members)})
    towns = [Town(members[row[0]], *row) for row in rows]
    chosen = choose_hubs(towns, radius_km, min_members)
    hubs = {town.id: town.hub_id for town in towns if town.hub_id is not None}
    hubs |= {town: gathering.hub.id for town, gathering in chosen.items()}
    now: Counter[tuple[int, int]] = Counter()
    then: Counter[tuple[int, int]] = Counter()
    for host, cluster, town, people in groups:
        now[host, cluster] += people
        then[hubs.get(town) or host, cluster] += people
    return GatherPlan(list(chosen.values()), now.total(), _lonely(now), _lonely(then))


def gather(move: Move, plan: GatherPlan) -> None:
    """Set the signposts, then bring the towns' people over. Finishes what was interrupted.

    Raises DatabaseUnavailable.
    """
    in_transaction(move.database, lambda connection: _point(connection, plan))
    # All that are gathered, not only the new: a run before this one may have been stopped.
    move.settle([row[0] for row in move.database.execute(GATHERED)])


def gathered_towns(database: Database, asked: Sequence[int]) -> list[int]:
    """The towns to release: those asked for, or all that are gathered or were left half released.

    Raises CannotRelease, DatabaseUnavailable.
    """
    if not asked:
        return [row[0] for row in database.execute(RELEASABLE)]
    rows = database.execute(
        "SELECT id, merged_into FROM cities WHERE id = ANY(%(asked)s)", {"asked": list(asked)}
    )
    merged_into = {row[0]: row[1] for row in rows}
    for town in asked:
        if town not in merged_into:
            raise CannotRelease(f"there is no city {town}; `manage.py cities find NAME` finds ids")
        if merged_into[town] is not None:
            raise CannotRelease(f"city {town} was merged into {merged_into[town]}, for ever")
    return list(asked)


def release(move: Move, towns: Sequence[int]) -> None:
    """People go back to the town they said, into its rooms of old. Finishes what was interrupted.

    Raises DatabaseUnavailable.
    """
    in_transaction(move.database, lambda connection: _unpoint(connection, towns))
    move.settle(towns)


def _lonely(rooms: Counter[tuple[int, int]]) -> int:
    return sum(members for members in rooms.values() if members < LONELY)


def _point(connection: sqlalchemy.Connection, plan: GatherPlan) -> None:
    cities = {gathering.town.id for gathering in plan.gatherings}
    cities |= {gathering.hub.id for gathering in plan.gatherings}
    connection.execute(LOCK, {"cities": list(cities)})
    for gathering in plan.gatherings:
        connection.execute(SIGNPOST, {"town": gathering.town.id, "hub": gathering.hub.id})


def _unpoint(connection: sqlalchemy.Connection, towns: Sequence[int]) -> None:
    given = {"towns": list(towns)}
    connection.execute(LOCK, {"cities": list(towns)})
    connection.execute(UNPOINT, given)
    connection.execute(RESTORE, given)
    connection.execute(DROP_REDIRECTS, given)
