"""Lists the unlisted cities, which admins merge into listed ones."""

from dataclasses import dataclass

from app.domain.cities.autocomplete import Autocomplete
from app.domain.cities.city import City, city_from_row
from app.infra.database import Database


@dataclass(frozen=True, slots=True)
class UnlistedCity:
    """An unlisted city, the number of its members, and the listed cities that it may be."""

    id: int
    name: str
    country: str | None
    members: int
    guesses: list[City]


LIST = """
    SELECT city.id, city.name, city.country_code AS country, city.listed, city.kind,
           count(member.user_id) AS members
    FROM cities AS city
    LEFT JOIN memberships AS member ON member.city_id = city.id
    WHERE NOT city.listed AND city.kind = 'city' AND city.merged_into IS NULL
    GROUP BY city.id ORDER BY members DESC, city.id LIMIT %(limit)s
"""


def list_unlisted(database: Database, autocomplete: Autocomplete, limit: int) -> list[UnlistedCity]:
    """Return the unlisted, unmerged cities, most members first. Raises DatabaseUnavailable."""
    rows = database.execute(LIST, {"limit": limit})
    return [
        UnlistedCity(
            id=row.id,
            name=row.name,
            country=row.country,
            members=row.members,
            guesses=autocomplete.guess(city_from_row(row)),
        )
        for row in rows
    ]
