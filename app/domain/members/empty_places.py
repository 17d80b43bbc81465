"""Removes the places that users typed once nobody is in them, because a typed name may be personal.

The one who leaves a place last removes it: an erasure, a move, a command. A user who said a place
that was merged is in it still. A join that has looked
the place up, or has it in its cache, meanwhile fails on its foreign key and creates the place again
(app/assignment.py). What a killed process or a failed join leaves behind, each web worker removes
within the hour.
"""

import time
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

# Typed places that may go. A merged one too, if the merge kept who said it: releases before did
# not, and did not set merged_at. A place that took in a city of the gazetteer or an area, or that
# is a hub, stays: an admin made it the name of these.
FIND_TYPED = f"""
    SELECT city.id, city.name, city.country_code AS country,
           (SELECT count(*) FROM rooms WHERE city_id = city.id) AS rooms
    FROM cities AS city
    WHERE city.id >= {FIRST_UNLISTED_ID} AND NOT city.listed AND city.kind = 'city'
      AND (%(places)s::bigint[] IS NULL OR city.id = ANY(%(places)s))
      AND city.hub_id IS NULL AND (city.merged_into IS NULL OR city.merged_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM cities AS town WHERE town.hub_id = city.id)
      AND NOT EXISTS (SELECT FROM cities AS merged WHERE merged.merged_into = city.id
                      AND (merged.listed OR merged.kind <> 'city'))
    ORDER BY city.id
"""
# The places that members said. Read from two small indexes: of members in unlisted cities, which
# the condition on the id tells the planner, and of those who said a merged one. Apart from
# FIND_TYPED, because Citus does not join a table of its own with the members in this way.
FIND_SAID = f"""
    SELECT DISTINCT city_id AS id FROM memberships WHERE city_id >= {FIRST_UNLISTED_ID}
    UNION
    SELECT DISTINCT said_city_id FROM memberships WHERE said_city_id IS NOT NULL
"""
IS_SAID = """
    (SELECT city_id AS id FROM memberships WHERE city_id = %(place)s LIMIT 1)
    UNION ALL
    (SELECT said_city_id FROM memberships WHERE said_city_id = %(place)s LIMIT 1)
"""
# One transaction. A join that has written its row holds a lock on the place until it commits: the
# first statement waits for it, and then the member's foreign key refuses the removal. A join that
# comes later waits for this transaction, and finds the place gone. The first lock is that of the
# place, as in a join, so that the two cannot deadlock. Places that were merged into these go too.
# Redirects to rooms elsewhere stay, as those of the city that the place was merged into, and older
# than its own: a release or an unmerge restores the room that closed last.
REMOVE = """
    SELECT id FROM cities WHERE id = ANY(%(places)s) ORDER BY id FOR UPDATE;
    UPDATE room_redirects AS old
    SET city_id = CASE WHEN gone.merged_into <> ALL(%(places)s) THEN gone.merged_into
                       ELSE rooms.city_id END,
        at = 'epoch'
    FROM cities AS gone, rooms
    WHERE old.city_id = gone.id AND rooms.id = old.room_id AND rooms.city_id <> ALL(%(places)s)
      AND (gone.id = ANY(%(places)s) OR gone.merged_into = ANY(%(places)s));
    DELETE FROM room_redirects USING rooms
    WHERE rooms.id = room_id AND rooms.city_id = ANY(%(places)s);
    DELETE FROM rooms WHERE city_id = ANY(%(places)s);
    DELETE FROM cities
    WHERE NOT listed AND kind = 'city'
      AND (id = ANY(%(places)s) OR merged_into = ANY(%(places)s))
    RETURNING id
"""
# A join that looked a merged place up just before it was removed has its id. Found first, so that
# nothing waits for a lock on the members where there is none, which is almost always.
SAID_REMOVED = """
    said_city_id IS NOT NULL AND NOT EXISTS (SELECT FROM cities WHERE id = member.said_city_id)
"""
FIND_REMOVED = f"SELECT 1 FROM memberships AS member WHERE {SAID_REMOVED} LIMIT 1"
FORGET_REMOVED = f"UPDATE memberships AS member SET said_city_id = NULL WHERE {SAID_REMOVED}"
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
        typed = self.database.execute(FIND_TYPED, {"places": None})
        said = {row.id for row in self.database.execute(FIND_SAID)}
        return [EmptyPlace(**row._asdict()) for row in typed if row.id not in said]

    def remove_all(self) -> list[EmptyPlace]:
        """Remove all of them with their rooms, and return them. Raises DatabaseUnavailable."""
        if self.database.execute(FIND_REMOVED):
            self.database.execute(FORGET_REMOVED)
        places, removed = self.find(), set[int]()
        for first in range(0, len(places), MAX_BATCH_SIZE):
            batch = [place.id for place in places[first : first + MAX_BATCH_SIZE]]
            try:
                removed |= self._remove(batch)
            except Conflict:  # somebody joined one of them
                for place in batch:
                    removed |= self._remove_if_empty(place)
        return [place for place in places if place.id in removed]

    def remove(self, city_ids: Collection[int]) -> None:
        """Remove those of some cities that are empty places. Raises DatabaseUnavailable."""
        for city_id in city_ids:
            if city_id >= FIRST_UNLISTED_ID:
                self._remove_if_empty(city_id)

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
                self._remove_if_empty(place)

    def _remove_if_empty(self, place: int) -> set[int]:
        for _ in range(MAX_ATTEMPTS):
            if self.database.execute(IS_SAID, {"place": place}):
                break
            if not self.database.execute(FIND_TYPED, {"places": [place]}):
                break
            with suppress(Conflict):  # somebody joined it, or a deadlock
                return self._remove([place])
        return set()

    def _remove(self, places: list[int]) -> set[int]:
        return {row.id for row in self.database.execute(REMOVE, {"places": places})}
