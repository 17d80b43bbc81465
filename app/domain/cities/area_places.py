"""Finds and creates areas that users typed alone, and the one place of people without a place.

An area is one row of the table cities, whatever its name, language or spelling: its code, from
place_names, identifies it.
"""

from typing import Any

from app.domain.cities.city import City, Found, Kind, city_from_row, found_from_row
from app.domain.cities.place_lookup import Area
from app.domain.cities.reading import Reading
from app.infra.database import Conflict, Database

PLACELESS_CODE, PLACELESS_NAME = "PLACELESS", "Remote"
IN_AREA = """
    city.country_code = %(country)s AND city.listed
    AND (%(admin1)s::text IS NULL OR city.admin1 = %(admin1)s)
    AND (%(south)s::float8 IS NULL
         OR (city.latitude BETWEEN %(south)s AND %(north)s
             AND city.longitude BETWEEN %(west)s AND %(east)s))
"""
LARGEST_CITIES = f"""
    SELECT host.town_id AS id, host.name, host.country_code AS country, host.listed, host.kind
    FROM cities AS city JOIN city_hosts AS host ON host.city_id = city.id
    WHERE {IN_AREA}
    ORDER BY city.population DESC, city.id LIMIT %(limit)s
"""
FIND = """
    SELECT host.town_id AS id, host.name, host.country_code AS country, host.listed, host.kind,
           typed.id AS said_id
    FROM cities AS typed JOIN city_hosts AS host ON host.city_id = typed.id
    WHERE typed.area_code = %(code)s
"""
# The middle of an area is the middle of its people. Longitudes are averaged on the circle, because
# Fiji and Russia lie on both sides of the 180th meridian. Of several callers that race one inserts,
# and all read the same row afterwards.
CREATE = f"""
    INSERT INTO cities (name, name_key, country_code, admin1, latitude, longitude, listed, kind,
                        area_code)
    SELECT %(name)s, %(code)s, %(country)s, %(admin1)s,
           coalesce(sum(people * latitude) / sum(people),
                    (%(south)s::float8 + %(north)s::float8) / 2),
           coalesce(degrees(atan2(sum(people * sin(radians(longitude))),
                                  sum(people * cos(radians(longitude))))),
                    (%(west)s::float8 + %(east)s::float8) / 2),
           false, %(kind)s, %(code)s
    FROM (
        SELECT greatest(city.population, 1)::float8 AS people, city.latitude, city.longitude
        FROM cities AS city WHERE {IN_AREA}
    ) AS city
    ON CONFLICT DO NOTHING
"""


class AreaPlaces:
    """The areas that users typed alone, in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, reading: Reading) -> Found | None:
        """Return the row of the area that was typed, or the city it was merged into, or None.

        Raises DatabaseUnavailable.
        """
        rows = self.database.execute(FIND, {"code": code_of(reading)})
        return found_from_row(rows[0]) if rows else None

    def find_or_create(self, reading: Reading) -> Found:
        """Return the row of an area; the first caller creates it.

        Raises Conflict if an admin removes it meanwhile, DatabaseUnavailable.
        """
        if (found := self.find(reading)) is None:
            self.database.execute(CREATE, _columns(reading))
            found = self.find(reading)
        if found is None:
            raise Conflict("the area was removed meanwhile")
        return found

    def largest_cities(self, area: Area, limit: int) -> list[City]:
        """Return the most populous cities of an area. Raises DatabaseUnavailable."""
        rows = self.database.execute(LARGEST_CITIES, _bounds(area) | {"limit": limit})
        return [city_from_row(row) for row in rows]


def code_of(reading: Reading) -> str:
    """Return the code of the area that was typed alone, or of the place of the placeless."""
    return reading.area.code if reading.area else PLACELESS_CODE


def _columns(reading: Reading) -> dict[str, Any]:
    name = reading.area.name if reading.area else PLACELESS_NAME
    kind = Kind.AREA if reading.area else Kind.PLACELESS
    columns = {"name": name, "code": code_of(reading), "kind": kind.value}
    return _bounds(reading.area) | columns


def _bounds(area: Area | None) -> dict[str, Any]:
    """Return the parameters of IN_AREA; no city is in no area."""
    box = area.box if area and area.box else [None] * 4
    sides = dict(zip(("south", "west", "north", "east"), box, strict=True))
    country, admin1 = (area.country, area.admin1) if area else (None, None)
    return sides | {"country": country, "admin1": admin1}
