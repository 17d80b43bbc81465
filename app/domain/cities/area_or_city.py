"""Decides whether a name that cities and areas share means a city, and which area it means.

"Andalucía" is not the town in Colombia, and "Washington" is not the state. `home` is the app's own
country.
"""

from app.domain.cities.place_lookup import Area, Bearer
from app.domain.cities.place_slots import (
    LARGE_POPULATION,
    METROPOLIS_POPULATION,
    Slot,
)

# A city of this size is meant by its official name although a country shares it.
VERY_LARGE_POPULATION = 300_000
# A region with this many times the people of a city elsewhere is meant, if the city has fewer than
# 200,000: Florida is not in Uruguay, but Victoria is in Canada.
FAMOUS_FACTOR, MAX_OVERSHADOWED_POPULATION = 10, 200_000


def is_city_meant(bearer: Bearer, slot: Slot, home: str) -> bool:
    """Return whether a city is meant by a name that stands alone.

    No city abroad is, if an area of the app's own country has the name (La Rioja). A city in the
    region is, the capital of the country (México, Túnez), one of the app's own
    country if the region is elsewhere, and a large one.
    """
    # ESP and USA are countries, and Bra is a town in Italy.
    is_code_meant = not slot.is_code and not (bearer.official and not slot.part.text.isupper())
    areas = [area for area in slot.areas if not area.is_code or (area.is_country and is_code_meant)]
    if not areas:
        return True
    if bearer.country != home and any(area.country == home for area in areas):
        return False
    if any(bearer.is_in(area) and not area.is_country for area in areas):
        return not _is_overshadowed(bearer, areas, home)
    if any(area.is_country for area in areas):
        is_official = bearer.official and bearer.population >= VERY_LARGE_POPULATION
        return is_official or any(_is_its_main_city(bearer, area) for area in areas)
    if bearer.country == home and all(area.country != home for area in areas):
        return True
    least = LARGE_POPULATION if bearer.official else METROPOLIS_POPULATION
    return bearer.population >= least and not _is_overshadowed(bearer, areas, home)


def main_area(areas: list[Area], home: str) -> Area:
    """Return a country before the app's own region, and that before others, the largest first.

    Of a region and a district of one name it is the region: districts have no population.
    """

    def order(area: Area) -> tuple[bool, bool, int, str]:
        return not area.is_country, area.country != home, -area.population, area.code

    return min(areas, key=order)


def _is_its_main_city(bearer: Bearer, country: Area) -> bool:
    """Return whether a city is the capital of a country, or has most of its people (Macau)."""
    is_main = bearer.is_capital or 2 * bearer.population >= country.population
    return is_main and bearer.is_in(country)


def _is_overshadowed(bearer: Bearer, areas: list[Area], home: str) -> bool:
    """Return whether an area elsewhere has many times the people of a city abroad."""
    if bearer.country == home or bearer.population >= MAX_OVERSHADOWED_POPULATION:
        return False
    least = FAMOUS_FACTOR * max(bearer.population, 1)
    return any(area.population >= least and not bearer.is_in(area) for area in areas)
