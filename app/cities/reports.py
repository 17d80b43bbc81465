"""What admins read about cities."""

from dataclasses import dataclass

from app.cities.service import City
from app.services import Services


@dataclass(frozen=True, slots=True)
class UnlistedCity:
    """A place that users typed, how many are there, and the listed cities it may be."""

    id: int
    name: str
    country: str | None
    members: int
    guesses: list[City]


UNLISTED = """
    SELECT city.id, city.name, city.country_code, count(member.user_id) AS members
    FROM cities AS city
    LEFT JOIN memberships AS member ON member.city_id = city.id
    WHERE NOT city.listed AND city.merged_into IS NULL
    GROUP BY city.id ORDER BY members DESC, city.id LIMIT %(limit)s
"""


def unlisted_cities(services: Services, limit: int) -> list[UnlistedCity]:
    """The unlisted cities that are not merged, most members first.

    Raises DatabaseUnavailable.
    """
    found = []
    for number, name, country, members in services.database.execute(UNLISTED, {"limit": limit}):
        city = City(number, name, country, listed=False)
        guesses = services.suggestions.guess(city)
        found.append(UnlistedCity(city.id, city.name, city.country, members, guesses))
    return found
