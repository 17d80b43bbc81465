"""Removes the places that users typed once nobody is in them, because a typed name may be personal.

The one who leaves a place last removes it: an erasure, a move, a command. A user who said a place
that was merged is in it still. A join that has looked
the place up, or has it in its cache, meanwhile fails on its foreign key and creates the place again
(app/assignment.py). What a killed process or a failed join leaves behind, each web worker removes
within the hour.
"""

import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from app.domain.cities.tables import FIRST_UNLISTED_ID
from app.infra.database import Conflict, Database, DatabaseUnavailable
from app.infra.ttl_cache import SharedTTLCache

MAX_ATTEMPTS = 3
# Places that one statement removes: joins of these wait for it.
MAX_BATCH_SIZE = 100
MAX_CACHED_ROOMS = 50_000

# A place in which nobody is: no member said it, or a place merged into it. A merged place too, if
# the merge recorded who said it (releases before did not, and did not set merged_at). A place that
# took in a city of the gazetteer or an area, or that is a hub, stays: an admin made it the name of
# these. Members are found through two small indexes, of those in unlisted cities and those who said
# a merged one: the condition on the id says so to the planner. Where an interrupted command left
# people of another city in its rooms, their foreign key refuses the removal.
IS_EMPTY = f"""
    city.id >= {FIRST_UNLISTED_ID} AND NOT city.listed AND city.kind = 'city'
    AND city.hub_id IS NULL AND (city.merged_into IS NULL OR city.merged_at IS NOT NULL)
    AND NOT EXISTS (
        SELECT FROM memberships AS member
        WHERE member.city_id = city.id AND member.city_id >= {FIRST_UNLISTED_ID}
    )
    AND NOT EXISTS (SELECT FROM memberships AS member WHERE member.said_city_id = city.id)
    AND NOT EXISTS (
        SELECT FROM cities AS other
        WHERE other.merged_into = city.id
          AND (other.listed OR other.kind <> 'city'
               OR EXISTS (SELECT FROM memberships AS member WHERE member.said_city_id = other.id))
    )
    AND NOT EXISTS (SELECT FROM cities AS town WHERE town.hub_id = city.id)
"""
FIND_EMPTY = f"""
    SELECT city.id, city.name, city.country_code AS country,
           (SELECT count(*) FROM rooms WHERE city_id = city.id) AS rooms
    FROM cities AS city WHERE {IS_EMPTY} ORDER BY city.id
"""
# Two statements in one transaction. A join that has written its row holds a lock on the place until
# it commits: the first statement waits for it, and the second one sees the member. A join that
# comes later waits for this transaction, and then finds the place gone. A place with members is not
# locked. Redirects to rooms elsewhere stay, as those of the city that the place was merged into.
REMOVE = f"""
    SELECT id FROM cities AS city WHERE id = ANY(%(places)s) AND {IS_EMPTY}
    ORDER BY id FOR UPDATE OF city;
    WITH empty AS MATERIALIZED (
        SELECT id FROM cities AS city WHERE id = ANY(%(places)s) AND {IS_EMPTY}
    ), gone AS MATERIALIZED (
        SELECT id, merged_into FROM cities
        WHERE id IN (SELECT id FROM empty) OR merged_into IN (SELECT id FROM empty)
    ), kept_redirects AS (
        UPDATE room_redirects AS old
        SET city_id = CASE WHEN gone.merged_into IN (SELECT id FROM gone) THEN rooms.city_id
                           ELSE coalesce(gone.merged_into, rooms.city_id) END
        FROM gone, rooms
        WHERE old.city_id = gone.id AND rooms.id = old.room_id
          AND rooms.city_id NOT IN (SELECT id FROM empty)
    ), removed_redirects AS (
        DELETE FROM room_redirects USING rooms
        WHERE rooms.id = room_id AND rooms.city_id IN (SELECT id FROM empty)
    ), removed_rooms AS (
        DELETE FROM rooms WHERE city_id IN (SELECT id FROM empty) RETURNING 1
    ), removed_cities AS (
        DELETE FROM cities WHERE id IN (SELECT id FROM gone) RETURNING 1
    )
    SELECT (SELECT count(*) FROM removed_cities) AS places,
           (SELECT count(*) FROM removed_rooms) AS rooms
"""
# A join that looked a merged place up just before it was removed has its id.
FORGET_REMOVED = """
    UPDATE memberships AS member SET said_city_id = NULL
    WHERE said_city_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM cities WHERE id = member.said_city_id)
"""
FIND_PLACE = f"SELECT city_id FROM rooms WHERE id = %(room)s AND city_id >= {FIRST_UNLISTED_ID}"


@dataclass(frozen=True, slots=True)
class EmptyPlace:
    """A place that a user typed and nobody is in, and the number of its rooms."""

    id: int
    name: str
    country: str | None
    rooms: int


class EmptyPlaces:
    """The unlisted places of one database in which nobody is."""

    def __init__(self, database: Database) -> None:
        self.database = database
        # Room → its unlisted place, 0 for a room of a city of the gazetteer.
        self._places: SharedTTLCache[int, int] = SharedTTLCache(MAX_CACHED_ROOMS)

    def find(self) -> list[EmptyPlace]:
        """Return all of them. Raises DatabaseUnavailable."""
        return [EmptyPlace(**row._asdict()) for row in self.database.execute(FIND_EMPTY)]

    def remove(self, city_ids: Collection[int]) -> dict[str, int]:
        """Remove those of some cities that are empty places; return the counts places and rooms.

        Raises DatabaseUnavailable.
        """
        places = sorted(id for id in city_ids if id >= FIRST_UNLISTED_ID)
        removed = Counter(places=0, rooms=0)
        for first in range(0, len(places), MAX_BATCH_SIZE):
            removed.update(self._remove(places[first : first + MAX_BATCH_SIZE]))
        return dict(removed)

    def remove_all(self) -> dict[str, int]:
        """Remove all of them; return the counts places and rooms. Raises DatabaseUnavailable."""
        self.database.execute(FORGET_REMOVED)
        return self.remove([place.id for place in self.find()])

    def remove_left(self, room_id: int) -> None:
        """Remove the place of a room that a user has left, if it is empty now.

        Does nothing when the database cannot answer: the user is in the other room already.
        """
        with suppress(DatabaseUnavailable):
            if (place := self._places.get(room_id)) is None:
                asked_at = time.monotonic()
                rows = self.database.execute(FIND_PLACE, {"room": room_id})
                place = self._places.put(room_id, rows[0].city_id if rows else 0, asked_at)
            if place:
                self.remove([place])

    def _remove(self, places: list[int]) -> dict[str, int]:
        for _ in range(MAX_ATTEMPTS):
            with suppress(Conflict):  # somebody joined one of them, or a deadlock
                (row,) = self.database.execute(REMOVE, {"places": places})
                return {"places": row.places, "rooms": row.rooms}
        removed = Counter[str]()
        for place in places if len(places) > 1 else []:
            removed.update(self._remove([place]))
        return removed
