"""Reads a user base as people export it: a CSV of ids, cities and interests."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from app.cities.countries import COUNTRY_CODES
from app.limits import CONTROL, LONGEST_CITY, LONGEST_INTEREST, MOST_INTERESTS, is_user_id

ID_COLUMNS = ("_id", "user_id", "id")
TRUE = ("1", "true", "t", "yes", "y", "si", "sí", "s", "x", "✓")
FALSE = ("", "0", "false", "f", "no", "n")
SEPARATORS = (",", ";", "\t")


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text says why and what is accepted."""


class UserRow(NamedTuple):
    """A user to place; `interests`: the ticked keys, each once, in code point order."""

    line: int
    user_id: str
    city: str
    country: str | None
    city_id: int | None
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
    """Where in a row what stands; `interests`: a column of keys, or None; `ticks`: key → column."""

    count: int
    user_id: int
    city: int | None
    city_id: int | None
    country: int | None
    interests: int | None
    ticks: dict[str, int]


@contextmanager
def open_users(path: str) -> Iterator[IO[str]]:
    """A file, gzipped or not, or `-` for standard input, as text.

    Raises UnreadableFile.
    """
    with ExitStack() as stack:
        try:
            raw = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from error
        buffered = io.BufferedReader(cast(io.RawIOBase, raw))
        zipped = buffered.peek(2)[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=buffered) if zipped else buffered
        # What is not UTF-8 spoils its row, not the file.
        yield io.TextIOWrapper(
            cast(IO[bytes], stream), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )


def count_lines(path: str) -> int:
    """How many lines a plain file has, for a progress bar; 0: nobody knows."""
    if path == "-" or not Path(path).is_file():
        return 0  # reading a pipe twice would lose what it held
    with Path(path).open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return 0
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def read_users(text: Iterable[str]) -> Iterator[UserRow | Reject]:
    """Every row, as a user or as a reject; a user who comes again is a reject.

    Raises UnreadableFile.
    """
    lines = iter(text)
    try:
        first = next(lines, "")
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"it cannot be read: {error}") from error
    separator = max(SEPARATORS, key=first.count)
    header = next(csv.reader([first], delimiter=separator), [])
    columns = _columns([name.strip() for name in header])
    reader = csv.reader(lines, delimiter=separator)
    seen: set[str] = set()
    while True:
        try:
            cells = next(reader, None)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(
                f"it cannot be read past line {reader.line_num}: {error}"
            ) from error
        except csv.Error as error:
            yield Reject(reader.line_num + 1, "", "", f"is no CSV: {error}")
            continue
        if cells is None:
            return
        if not cells:
            continue  # a blank line is no row
        line = reader.line_num + 1
        try:
            user = _user(line, cells, columns)
            if user.user_id in seen:
                raise BadField("_id", "stands in the file before")
            seen.add(user.user_id)
            yield user
        except BadField as bad:
            user_id = cells[columns.user_id] if len(cells) > columns.user_id else ""
            yield Reject(line, user_id, bad.field, bad.reason)


def _columns(header: list[str]) -> Columns:
    place = {name: number for number, name in reversed(list(enumerate(header)))}
    known = [name for name in ID_COLUMNS if name in place]
    if not known:
        raise UnreadableFile(
            "its first line must name the columns, _id among them; it is: " + ",".join(header)[:200]
        )
    if "city" not in place and "city_id" not in place:
        raise UnreadableFile("it has no column city, and no city_id")
    taken = {known[0], "city", "city_id", "country", "interests"}
    ticks = {name: number for name, number in place.items() if name and name not in taken}
    if "interests" in place:
        ticks = {}
    elif not ticks:
        raise UnreadableFile("it has no column interests, and no column for an interest")
    for key in ticks:
        if len(key) > LONGEST_INTEREST or CONTROL.search(key):
            raise UnreadableFile(f"{key[:80]!r} cannot be an interest's key")
    return Columns(
        len(header),
        place[known[0]],
        place.get("city"),
        place.get("city_id"),
        place.get("country"),
        place.get("interests"),
        # In code point order, as profiles are stored.
        dict(sorted(ticks.items())),
    )


def _user(line: int, cells: list[str], columns: Columns) -> UserRow:
    if len(cells) != columns.count:
        raise BadField("", f"has {len(cells)} columns, the first line {columns.count}")
    user_id = cells[columns.user_id].strip()
    if not is_user_id(user_id):
        raise BadField("_id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ : -")
    city_id = _city_id(cells, columns.city_id)
    city = _city(cells, columns.city, city_id)
    return UserRow(
        line, user_id, city, _country(cells, columns.country), city_id, _interests(cells, columns)
    )


def _city_id(cells: list[str], column: int | None) -> int | None:
    text = cells[column].strip() if column is not None else ""
    if not text:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63 and len(text) < 20:
        return int(text)
    raise BadField("city_id", "must be a city's id, a whole number")


def _city(cells: list[str], column: int | None, city_id: int | None) -> str:
    city = cells[column].strip() if column is not None else ""
    if city_id is not None:
        return city
    if not city:
        raise BadField("city", "is empty")
    if len(city) > LONGEST_CITY:
        raise BadField("city", f"must have at most {LONGEST_CITY} characters")
    if CONTROL.search(city) or not _is_utf8(city):
        raise BadField("city", "must be UTF-8 without control characters")
    return city


def _country(cells: list[str], column: int | None) -> str | None:
    country = cells[column].strip().upper() if column is not None else ""
    if country and country not in COUNTRY_CODES:
        raise BadField("country", "must be an ISO 3166-1 alpha-2 code, such as ES")
    return country or None


def _interests(cells: list[str], columns: Columns) -> tuple[str, ...]:
    if columns.interests is not None:
        return _listed(cells[columns.interests])
    try:
        return tuple([key for key, column in columns.ticks.items() if TICKED[cells[column]]])
    except KeyError:
        for key, column in columns.ticks.items():
            if cells[column] not in TICKED:
                raise BadField(key, "must be 0, 1, true, false, yes, no, si or x") from None
        raise


def _listed(cell: str) -> tuple[str, ...]:
    """Keys in one cell, separated by commas, semicolons or bars; or a JSON list."""
    if cell.startswith("["):
        import orjson

        try:
            keys = orjson.loads(cell)
        except orjson.JSONDecodeError:
            keys = [None]
        if not all(isinstance(key, str) for key in keys):
            raise BadField("interests", "begins like a JSON list of keys and is none")
    else:
        keys = cell.replace(";", ",").replace("|", ",").split(",")
    keys = sorted({key.strip() for key in keys} - {""})
    if len(keys) > MOST_INTERESTS:
        raise BadField("interests", f"must hold at most {MOST_INTERESTS} keys")
    for key in keys:
        if len(key) > LONGEST_INTEREST or CONTROL.search(key) or not _is_utf8(key):
            raise BadField("interests", f"a key must have 1 to {LONGEST_INTEREST} characters")
    return tuple(keys)


class _Ticked(dict[str, bool]):
    """What a cell says, however it is written; learns spellings as it meets them."""

    def __missing__(self, cell: str) -> bool:
        folded = cell.strip().lower()
        if folded in TRUE or folded in FALSE:
            if len(self) < 1000:
                self[cell] = folded in TRUE
            return folded in TRUE
        raise KeyError(cell)


TICKED = _Ticked()


def _is_utf8(text: str) -> bool:
    """Whether the text was UTF-8 in the file: bytes that were not stand in it as surrogates."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
