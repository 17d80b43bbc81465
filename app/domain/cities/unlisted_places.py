"""Finds and creates unlisted places: the names that users typed and the gazetteer lacks.

A place is identified by its folded name and country. Typed without a country it is in the app's
own country, unless exactly one place elsewhere has the name. A region tells two villages of one
name apart: the first keeps the plain key, another gets the region's code in its key.
"""

from typing import NamedTuple

from app.domain.cities.city import Found, found_from_row
from app.domain.cities.normalize import fold
from app.infra.database import Conflict, Database, Row
from app.infra.metrics import UNLISTED


class UnlistedPlace(NamedTuple):
    """An unlisted place as it was typed; `admin1`: GeoNames code of its region, if one is known."""

    name: str
    country: str | None
    admin1: str | None

    @property
    def key(self) -> str:
        return fold(self.name)


# By country: the typed one first, and null, which places of earlier releases have.
FIND = """
    SELECT host.town_id AS id, host.name, host.country_code AS country, host.listed, host.kind,
           typed.id AS said_id, typed.name_key, typed.country_code AS typed_country, typed.admin1
    FROM cities AS typed
    JOIN city_hosts AS host ON host.city_id = typed.id
    WHERE NOT typed.listed AND typed.name_key = ANY(%(keys)s)
    ORDER BY typed.id
"""
# Of several callers that race one inserts, and all read the same row afterwards.
CREATE = """
    INSERT INTO cities (name, name_key, country_code, admin1, listed)
    VALUES (%(name)s, %(key)s, %(country)s, %(admin1)s, false)
    ON CONFLICT (name_key, country_code) WHERE NOT listed DO NOTHING
    RETURNING id
"""
# A region that is typed later narrows a place that was typed without one.
NARROW = "UPDATE cities SET admin1 = %(admin1)s WHERE id = %(id)s AND admin1 IS NULL RETURNING id"


class UnlistedPlaces:
    """The unlisted places of one database."""

    def __init__(self, database: Database, default_country: str) -> None:
        self.database = database
        self.default_country = default_country

    def find(self, place: UnlistedPlace) -> Found | None:
        """Return the city of a place, or the one it was merged into, or None.

        Raises DatabaseUnavailable.
        """
        row = self._find(place)
        return found_from_row(row) if row else None

    def find_or_create(self, place: UnlistedPlace) -> Found:
        """Return the city of a place; the first caller creates it.

        Raises Conflict if it is removed meanwhile, DatabaseUnavailable.
        """
        row = self._find(place)
        country = place.country or self.default_country
        for key in self._keys(place):
            if row is None:
                parameters = place._asdict() | {"key": key, "country": country}
                if self.database.execute(CREATE, parameters):
                    UNLISTED.inc()
                row = self._find(place)
        if row is None:
            raise Conflict("the place was removed meanwhile")
        if place.admin1 and row.admin1 is None:
            narrowed = self.database.execute(NARROW, {"id": row.said_id, "admin1": place.admin1})
            if not narrowed:  # another caller narrowed it, perhaps to another region
                return self.find_or_create(place)
        return found_from_row(row)

    def _find(self, place: UnlistedPlace) -> Row | None:
        keys = self._keys(place)
        rows = self.database.execute(FIND, {"keys": keys})
        wanted = place.country or self.default_country
        there = [row for row in rows if row.typed_country == wanted]
        if wanted == self.default_country:
            there += [row for row in rows if row.typed_country is None]
        if place.country is None and not there and len({row.id for row in rows}) == 1:
            there = list(rows)
        for row in there:
            if (
                row.name_key != keys[0]
                or place.admin1 is None
                or row.admin1 in (None, place.admin1)
            ):
                return row
        return None

    def _keys(self, place: UnlistedPlace) -> list[str]:
        if place.admin1 is None:
            return [place.key]
        country = place.country or self.default_country
        return [place.key, f"{place.key} {country}.{place.admin1}".lower()]
