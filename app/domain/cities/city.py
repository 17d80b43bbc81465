"""A city as responses show it, and a place as a request names it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from app.infra.database import Row


class Place(NamedTuple):
    """Where a user says they are: a name as typed, or the id of a city they picked."""

    name: str = ""
    country: str | None = None
    city_id: int | None = None


class Kind(StrEnum):
    """What a row of the table cities is."""

    CITY = "city"
    AREA = "area"
    PLACELESS = "placeless"


@dataclass(frozen=True, slots=True)
class City:
    """A city as responses show it, or an area or the place of people without a place."""

    id: int
    name: str
    country: str | None
    listed: bool
    kind: str = Kind.CITY


class Found(NamedTuple):
    """A city, and the id that a place named: the city's own, or of one that was merged into it."""

    city: City
    said_id: int


def found_from_row(row: Row) -> Found:
    """Return the city of a row with the columns of a city and said_id."""
    return Found(city_from_row(row), row.said_id)


def city_from_row(row: Row) -> City:
    """Return the city of a row with columns id, name, country, listed and kind."""
    return City(row.id, row.name, row.country, row.listed, row.kind)


def split_city(row: Row) -> tuple[City, dict[str, Any]]:
    """Return the city of a row's columns city_id, city_name, …, and the other columns."""
    columns = row._asdict()
    city = {name[5:]: columns.pop(name) for name in list(columns) if name.startswith("city_")}
    return City(**city), columns
