"""Reads how many people the published figures show in the rooms of a city."""

from app.infra.database import Database

# Anyone may ask, as often as they like: a number of the members themselves would show who joined or
# was erased in between. The published one changes in batches, and by lot: see publication.py.
# A gathered city's rooms are its hub's.
FIND = """
    SELECT (cells ->> 'members_in_rooms')::bigint AS people
    FROM published
    WHERE view = 'cities'
      AND key = (SELECT host_id::text FROM city_hosts WHERE city_id = %(city)s)
"""


def people_in_rooms(database: Database, city_id: int) -> int | None:
    """Return the published number of people in a city's rooms; None if there is none.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(FIND, {"city": city_id})
    return rows[0].people if rows else None
