"""What a typed place means."""

from dataclasses import dataclass

from app.domain.cities.city import City
from app.domain.cities.place_lookup import Area


@dataclass(frozen=True, slots=True)
class Reading:
    """What a typed place means.

    `city`: a listed city. `area`: without a city and a name, the area that was typed alone; with a
    name, the area in which the unlisted place is. `name`: the name of an unlisted place. `others`:
    cities that may be meant instead. `areas`: areas that were typed beside it as places of their
    own. `doubts`: parts that were not understood, or contradict. `said_id`: the id of the city that
    the text names, if it was merged into `city`.
    """

    city: City | None = None
    others: tuple[City, ...] = ()
    area: Area | None = None
    areas: tuple[Area, ...] = ()
    name: str = ""
    doubts: int = 0
    is_placeless: bool = False
    said_id: int | None = None

    @property
    def several(self) -> tuple[City, ...]:
        """All cities to choose from, if the text names several."""
        return self.others if self.city in self.others else ()

    @property
    def is_area(self) -> bool:
        """Whether the text names only an area, or that people have no place."""
        return self.is_placeless or (self.city is None and self.area is not None and not self.name)

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """Order readings by: understood at all, few doubts, a city before an area."""
        return (bool(self.name), self.doubts, self.city is None)
