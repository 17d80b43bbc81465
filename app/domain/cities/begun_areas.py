"""Areas by their names, whole or begun, for an autocomplete: "Granada, Nic"."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from app.domain.cities.place_lookup import Area, area_from_row
from app.infra.database import Database

# A few letters begin the names of many areas: the most populous are meant.
MAX_AREAS = 100
# Sorts after every key with a given prefix, in code point order.
LAST = "\U0010ffff"

FIND = """
    SELECT DISTINCT part, area, country_code AS country, admin1, is_country, is_code, name,
           south, west, north, east, population
    FROM unnest(%(keys)s::text[], %(lasts)s::text[]) AS typed (part, last)
    JOIN place_names ON name_key COLLATE "C" >= part COLLATE "C"
                    AND name_key COLLATE "C" <= last COLLATE "C"
    ORDER BY is_country DESC, population DESC NULLS LAST, area LIMIT %(limit)s
"""


def begun_areas(database: Database, parts: Sequence[str], settings: str) -> list[Area]:
    """Return the areas that lie in an area of each part; the last part may be only begun.

    Parts that begin no area are skipped. `settings`: bounds the time of the statement. Raises
    DatabaseUnavailable.
    """
    lasts = [*parts[:-1], parts[-1] + LAST]
    parameters = {"keys": list(parts), "lasts": lasts, "limit": MAX_AREAS}
    found: dict[str, list[Area]] = defaultdict(list)
    for row in database.execute(FIND, parameters, settings):
        found[row.part].append(area_from_row(row))
    groups = list(found.values())
    return [
        area
        for group in groups
        for area in group
        if all(any(other.contains_area(area) for other in group) for group in groups)
    ]


def area_columns(areas: Sequence[Area]) -> dict[str, Any]:
    """Return areas as the arrays of a statement's parameters."""
    boxes = zip(*(area.box or (None, None, None, None) for area in areas), strict=True)
    sides = dict(zip(("souths", "wests", "norths", "easts"), map(list, boxes), strict=True))
    return sides | {
        "countries": [area.country for area in areas],
        "admin1s": [area.admin1 for area in areas],
    }
