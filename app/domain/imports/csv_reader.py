"""Reads a user base from a CSV file: ids, cities, interests."""

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
GZIP_MAGIC = b"\x1f\x8b"


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text states why and what is accepted."""


@contextmanager
def open_users(path: str) -> Iterator[IO[str]]:
    """Open a file, gzipped or not, or standard input (`-`), as text. Raises UnreadableFile."""
    with ExitStack() as stack:
        try:
            raw = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            buffered = io.BufferedReader(cast(io.RawIOBase, raw))
            is_gzipped = buffered.peek(2)[:2] == GZIP_MAGIC
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from error
        stream = gzip.GzipFile(fileobj=buffered) if is_gzipped else buffered
        # Bytes that are not UTF-8 become surrogates, so that only their row is rejected.
        yield io.TextIOWrapper(
            cast(IO[bytes], stream), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )


def count_lines(path: str) -> int:
    """Return the number of lines of a plain file, for a progress bar; 0 if it is unknown."""
    if path == "-" or not Path(path).is_file():
        return 0  # a pipe can be read only once
    with Path(path).open("rb") as file:
        if file.read(2) == GZIP_MAGIC:
            return 0
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def read_users(text: Iterable[str]) -> Iterator[UserRow | Reject]:
    """Yield each row as a user or as a reject. Raises UnreadableFile."""
    lines = iter(text)
    try:
        first = next(lines, "")
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"the file cannot be read: {error}") from error
    separator = max(SEPARATORS, key=first.count)
    header = next(csv.reader([first], delimiter=separator), [])
    parser = RowParser(_columns([name.strip() for name in header]))
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            cells = next(reader, None)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(
                f"the file cannot be read past line {reader.line_num + 1}: {error}"
            ) from error
        except csv.Error as error:
            yield Reject(reader.line_num + 1, "", "", f"is not valid CSV: {error}")
            continue
        if cells is None:
            return
        if cells:  # skip blank lines
            yield parser.parse(reader.line_num + 1, cells)


def _columns(header: list[str]) -> Columns:
    # Reversed: of columns with the same name the first is used.
    positions = {name: position for position, name in reversed(list(enumerate(header)))}
    id_column = next((name for name in ID_COLUMNS if name in positions), None)
    if id_column is None:
        raise UnreadableFile(
            "the first line must name the columns, including _id; it is: " + ",".join(header)[:200]
        )
    if "city" not in positions and "city_id" not in positions:
        raise UnreadableFile("the file has neither a column city nor a column city_id")
    not_interests = {"", id_column, "city", "city_id", "country"}
    ticks = {name: positions[name] for name in sorted(positions.keys() - not_interests)}
    if "interests" in positions:
        ticks = {}
    elif not ticks:
        raise UnreadableFile("the file has neither a column interests nor a column of an interest")
    for key in ticks:
        if not are_valid_keys([key]):
            raise UnreadableFile(f"the column {key[:80]!r} cannot be an interest")
    return Columns(
        count=len(header),
        user_id=positions[id_column],
        city=positions.get("city"),
        city_id=positions.get("city_id"),
        country=positions.get("country"),
        interests=positions.get("interests"),
        ticks=ticks,
    )
