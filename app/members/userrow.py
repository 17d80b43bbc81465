"""A row of a user base: which user it is, or which field of it cannot be used, and why."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

import orjson

from app.assignment import Place
from app.cities.countries import COUNTRY_CODES
from app.limits import (
    CONTROL,
    LONGEST_CITY,
    LONGEST_INTEREST,
    MOST_INTERESTS,
    are_interests,
    is_user_id,
)

TRUE = ("1", "true", "t", "yes", "y", "si", "sí", "s", "x", "✓")
FALSE = ("", "0", "false", "f", "no", "n")
REMEMBERED_SPELLINGS = 1_000
REMEMBERED_PLACES = 100_000


class UserRow(NamedTuple):
    """A user to place; `interests`: the ticked keys, each once, in code point order."""

    line: int
    user_id: str
    place: Place
    interests: tuple[str, ...]


class Reject(NamedTuple):
    """A row that cannot be placed: where, which field, why."""

    line: int
    user_id: str
    field: str
    reason: str


class BadField(Exception):
    """A field that cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row what stands; `interests`: a column of keys, or None; `ticks`: key → column,
    in code point order of the keys."""

    count: int
    user_id: int
    city: int | None
    city_id: int | None
    country: int | None
    interests: int | None
    ticks: dict[str, int]


class RowParser:
    """Makes users of cells, a million times: what comes again, as cities do, is looked at once."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.seen: set[str] = set()
        self.places: dict[tuple[str, ...], Place] = {}
        self.place_cells = _pick([columns.city, columns.city_id, columns.country])
        self.tick_cells = _pick(list(columns.ticks.values()))
        self.keys = tuple(columns.ticks)

    def parse(self, line: int, cells: list[str]) -> UserRow | Reject:
        """The user of a row; a row of a user who came before is a reject."""
        user_id = cells[self.columns.user_id].strip() if len(cells) > self.columns.user_id else ""
        try:
            if len(cells) != self.columns.count:
                told = f"has {len(cells)} columns, the first line {self.columns.count}"
                raise BadField("", told)
            if not is_user_id(user_id):
                raise BadField("_id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ : -")
            cells.append("")  # what a column that is not there holds
            place, interests = self._place(cells), self._interests(cells)
            if user_id in self.seen:
                raise BadField("_id", "stands in the file before")
        except BadField as bad:
            return Reject(line, user_id, bad.field, bad.reason)
        self.seen.add(user_id)
        return UserRow(line, user_id, place, interests)

    def _place(self, cells: list[str]) -> Place:
        said = self.place_cells(cells)
        place = self.places.get(said)
        if place is None:
            place = _place(*said)
            if len(self.places) < REMEMBERED_PLACES:
                self.places[said] = place
        return place

    def _interests(self, cells: list[str]) -> tuple[str, ...]:
        if self.columns.interests is not None:
            return _listed(cells[self.columns.interests])
        ticks = self.tick_cells(cells)
        try:
            keys = tuple(compress(self.keys, map(TICKED.__getitem__, ticks)))
        except KeyError as error:
            key = self.keys[ticks.index(error.args[0])]
            raise BadField(key, "must be 0, 1, true, false, yes, no, si or x") from None
        return _few(keys)


def are_keys(keys: Collection[str]) -> bool:
    """Whether each text can be an interest's key."""
    return are_interests(keys) and all(map(_is_utf8, keys))


def _pick(columns: Sequence[int | None]) -> Callable[[list[str]], tuple[str, ...]]:
    """A function that picks cells, the last one for a column that is not there."""
    places = [-1 if column is None else column for column in columns]
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: tuple(cells[place] for place in places)


def _place(city: str, city_id: str, country: str) -> Place:
    number = _city_id(city_id.strip())
    return Place(_city(city.strip(), number), _country(country.strip().upper()), number)


def _city_id(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63:
        return int(text)
    raise BadField("city_id", "must be a city's id, a whole number")


def _city(city: str, city_id: int | None) -> str:
    if city_id is not None:
        return ""
    if not city:
        raise BadField("city", "is empty")
    if len(city) > LONGEST_CITY:
        raise BadField("city", f"must have at most {LONGEST_CITY} characters")
    if CONTROL.search(city) or not _is_utf8(city):
        raise BadField("city", "must be UTF-8 without control characters")
    return city


def _country(country: str) -> str | None:
    if country and country not in COUNTRY_CODES:
        raise BadField("country", "must be an ISO 3166-1 alpha-2 code, such as ES")
    return country or None


def _listed(cell: str) -> tuple[str, ...]:
    """Keys in one cell, separated by commas, semicolons or bars; or a JSON list."""
    if cell.startswith("["):
        try:
            keys = orjson.loads(cell)
        except ValueError:  # no JSON, or bytes that are no UTF-8
            keys = [None]
        if not all(isinstance(key, str) for key in keys):
            raise BadField("interests", "begins like a JSON list of keys and is none")
    else:
        keys = cell.replace(";", ",").replace("|", ",").split(",")
    keys = sorted({key.strip() for key in keys} - {""})
    if not are_keys(keys):
        raise BadField("interests", f"a key must have 1 to {LONGEST_INTEREST} characters")
    return _few(tuple(keys))


def _few(keys: tuple[str, ...]) -> tuple[str, ...]:
    if len(keys) > MOST_INTERESTS:
        raise BadField("interests", f"must hold at most {MOST_INTERESTS} keys")
    return keys


class _Ticked(dict[str, bool]):
    """What a cell says, however it is written; learns spellings as it meets them."""

    def __missing__(self, cell: str) -> bool:
        folded = cell.strip().lower()
        if folded not in TRUE and folded not in FALSE:
            raise KeyError(cell)
        if len(self) < REMEMBERED_SPELLINGS:
            self[cell] = folded in TRUE
        return folded in TRUE


TICKED = _Ticked()


def _is_utf8(text: str) -> bool:
    """Whether the text was UTF-8 in the file: bytes that were not stand in it as surrogates."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
