"""Parses a row of a user base: the user, or the field that is invalid and why."""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

import orjson

from app.domain.cities.city import Place
from app.domain.imports.columns import Columns, are_valid_keys, was_utf8
from app.domain.imports.documents import IS_TICKED, TICKS, plain_id, selected_keys
from app.domain.imports.interest_keys import InterestKeys
from app.domain.input_limits import (
    CONTROL_CHARACTER,
    MAX_CITY_LENGTH,
    MAX_INTEREST_LENGTH,
    MAX_INTERESTS,
    is_user_id,
)
from app.infra.country_codes import COUNTRY_CODES
from app.infra.csv_cells import unescape

MAX_CACHED_PLACES = 100_000


class UserRow(NamedTuple):
    """A user to place; `interests`: the selected keys, each once, in code point order."""

    line: int
    user_id: str
    place: Place
    interests: tuple[str, ...]


class Reject(NamedTuple):
    """A row that cannot be placed: its line, the invalid field, the reason."""

    line: int
    user_id: str
    field: str
    reason: str


class InvalidField(Exception):
    """A field cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class RowParser:
    """Parses rows into users; repeated values, such as cities, are parsed once."""

    def __init__(self, columns: Columns, keys: InterestKeys) -> None:
        self.columns = columns
        self.interest_keys = keys
        self.user_ids: set[str] = set()
        self.places: dict[tuple[str, ...], Place] = {}
        self.place_cells = _cell_getter([columns.city, columns.city_id, columns.country])
        self.tick_cells = _cell_getter(list(columns.ticks.values()))
        self.keys = tuple(columns.ticks)

    def parse(self, line: int, cells: list[str]) -> UserRow | Reject:
        """Return the user of a row; a repeated user is a reject."""
        user_id = cells[self.columns.user_id].strip() if len(cells) > self.columns.user_id else ""
        try:
            if len(cells) != self.columns.count:
                raise InvalidField("", f"has {len(cells)} columns, not {self.columns.count}")
            if not is_user_id(user_id) and not is_user_id(user_id := plain_id(user_id)):
                raise InvalidField("_id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ : -")
            cells.append("")  # the cell of a missing column
            place, interests = self._place(cells), self._interests(cells)
            if user_id in self.user_ids:
                raise InvalidField("_id", "duplicate _id")
        except InvalidField as error:
            return Reject(line, user_id, error.field, error.reason)
        self.user_ids.add(user_id)
        return UserRow(line, user_id, place, interests)

    def _place(self, cells: list[str]) -> Place:
        values = self.place_cells(cells)
        place = self.places.get(values)
        if place is None:
            place = _parse_place(*values)
            if len(self.places) < MAX_CACHED_PLACES:
                self.places[values] = place
        return place

    def _interests(self, cells: list[str]) -> tuple[str, ...]:
        if self.columns.interests is not None:
            return _parse_keys(cells[self.columns.interests], self.interest_keys)
        ticks = self.tick_cells(cells)
        try:
            keys = tuple(compress(self.keys, map(IS_TICKED.__getitem__, ticks)))
        except KeyError as error:
            key = self.keys[ticks.index(error.args[0])]
            raise self._no_tick(key) from None
        return _check_count(keys)

    def _no_tick(self, key: str) -> InvalidField:
        """Return the error of a cell that is no tick; it names the column as the file does."""
        reason = f"must be {TICKS}"
        if key not in self.interest_keys.known:
            reason += "; the model knows no such interest: if it is none, remove the column"
        return InvalidField(self.columns.names[self.columns.ticks[key]], reason)


def _cell_getter(columns: Sequence[int | None]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return a function that picks cells: the last, empty one for a missing column."""
    positions = [-1 if column is None else column for column in columns]
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda cells: tuple(cells[position] for position in positions)


def _parse_place(city: str, city_id: str, country: str) -> Place:
    number = _parse_city_id(city_id.strip())
    return Place(
        _parse_city(unescape(city.strip()), number), _parse_country(country.strip().upper()), number
    )


def _parse_city_id(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63:
        return int(text)
    raise InvalidField("city_id", "must be a city's id, a whole number")


def _parse_city(city: str, city_id: int | None) -> str:
    if city_id is not None:
        return ""
    if not city:
        raise InvalidField("city", "is empty")
    if len(city) > MAX_CITY_LENGTH:
        raise InvalidField("city", f"must have at most {MAX_CITY_LENGTH} characters")
    if CONTROL_CHARACTER.search(city) or not was_utf8(city):
        raise InvalidField("city", "must be UTF-8 without control characters")
    return city


def _parse_country(country: str) -> str | None:
    if country and country not in COUNTRY_CODES:
        raise InvalidField("country", "must be an ISO 3166-1 alpha-2 code, such as ES")
    return country or None


def _parse_keys(cell: str, known: InterestKeys) -> tuple[str, ...]:
    """Return the keys of a cell: separated by commas, semicolons or bars, or in JSON."""
    if cell.startswith(("[", "{")):
        typed = _parse_json(cell)
    else:
        typed = cell.replace(";", ",").replace("|", ",").split(",")
    keys = sorted({known[key.strip()] for key in typed} - {""})
    if not are_valid_keys(keys):
        raise InvalidField("interests", f"a key must have 1 to {MAX_INTEREST_LENGTH} characters")
    return _check_count(tuple(keys))


def _parse_json(cell: str) -> list[str]:
    """Return the keys of a JSON list, or those that an object selects."""
    try:
        keys = orjson.loads(cell)
    except ValueError:  # not JSON, or not UTF-8
        keys = None
    if isinstance(keys, dict):
        try:
            return selected_keys(keys)
        except KeyError as error:
            key = error.args[0][:MAX_INTEREST_LENGTH]
            raise InvalidField("interests", f"{key!r} must be {TICKS}") from None
    if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
        return keys
    raise InvalidField("interests", "must be JSON if it begins with [ or {: a list, or an object")


def _check_count(keys: tuple[str, ...]) -> tuple[str, ...]:
    if len(keys) > MAX_INTERESTS:
        raise InvalidField("interests", f"must have at most {MAX_INTERESTS} keys")
    return keys
