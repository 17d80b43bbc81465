"""Reads a user base as people export it: a CSV of ids, cities and interests."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from app.domain.imports.row_parser import Columns, Reject, RowParser, UserRow, are_valid_keys

ID_COLUMNS = ("_id", "user_id", "id")
SEPARATORS = (",", ";", "\t")


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text says why and what is accepted."""


@contextmanager
def open_users(path: str) -> Iterator[IO[str]]:
    """A file, gzipped or not, or `-` for standard input, as text.

    Raises UnreadableFile.
    """
    with ExitStack() as stack:
        try:
            raw = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            buffered = io.BufferedReader(cast(io.RawIOBase, raw))
            zipped = buffered.peek(2)[:2] == b"\x1f\x8b"
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from error
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
    parser = RowParser(_columns([name.strip() for name in header]))
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            cells = next(reader, None)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(
                f"it cannot be read past line {reader.line_num + 1}: {error}"
            ) from error
        except csv.Error as error:
            yield Reject(reader.line_num + 1, "", "", f"is no CSV: {error}")
            continue
        if cells is None:
            return
        if cells:  # a blank line is no row
            yield parser.parse(reader.line_num + 1, cells)


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
        if not are_valid_keys([key]):
            raise UnreadableFile(f"{key[:80]!r} cannot be an interest's key")
    return Columns(
        len(header),
        place[known[0]],
        place.get("city"),
        place.get("city_id"),
        place.get("country"),
        place.get("interests"),
        dict(sorted(ticks.items())),
    )
