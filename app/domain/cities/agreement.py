"""Decides how a part of a typed place agrees with a city that another part names."""

from enum import Enum, auto

from app.domain.cities.distance import is_near
from app.domain.cities.place_lookup import Bearer
from app.domain.cities.place_slots import Slot

# A part that names a city this near ("Granada, Armilla") does not contradict the other city.
NEAR_KM = 30.0
MAX_NEAR_CITIES = 20


class Agreement(Enum):
    """How a part agrees with a city: names its region, its country or itself, or a city near.

    `DISTRICT`: the code of a province, which may be another of the same region.
    """

    REGION = auto()
    COUNTRY = auto()
    DISTRICT = auto()
    NEAR = auto()
    UNKNOWN = auto()
    CONTRADICTION = auto()


def agreement(bearer: Bearer, part: Slot, name: Slot) -> Agreement:
    """Return how a part agrees with a city. `name`: the part that names the city."""
    around = [area for area in part.areas if bearer.is_in(area)]
    if part.is_code and around:
        # "Granada (GR)" is in the province Granada, and "San Pedro, CA" hardly in Cádiz.
        own = {area.code for area in name.areas}
        around = [area for area in around if area.code in own or not area.is_district]
        if not around:
            return Agreement.DISTRICT
    if around:
        is_region = any(not area.is_country for area in around)
        return Agreement.REGION if is_region else Agreement.COUNTRY
    if any(other.town.id == bearer.town.id for other in part.cities):
        return Agreement.COUNTRY
    if any(is_near(bearer, other, NEAR_KM) for other in part.cities[:MAX_NEAR_CITIES]):
        return Agreement.NEAR
    if part.is_unknown or (part.is_code and not _has_any(part, name)):
        return Agreement.UNKNOWN
    return Agreement.CONTRADICTION


def _has_any(area: Slot, name: Slot) -> bool:
    """Return whether any city of a name lies in the areas of a part."""
    return any(bearer.is_in(one) for bearer in name.cities for one in area.areas)
