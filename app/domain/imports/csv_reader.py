"""Reads a user base from a CSV file: ids, cities, interests."""

import csv
import gzip
import io
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from app.domain.imports.row_parser import Columns, Reject, RowParser, UserRow, are_valid_keys

ID_COLUMNS = ("_id", "user_id", "id")
SEPARATORS = (",", ";", "\t")
GZIP_MAGIC = b"\x1f\x8b"
UNCLOSED = "a quotation mark is not closed in this line"


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


class UserReader:
    """Iterates over the rows of a file: each is a user or a reject.

    A row may span lines if it is valid CSV with the right number of cells. Otherwise its first line
    is rejected and the next line begins a row, so that a stray quotation mark costs one line. The
    csv module gives up cells of over 131,072 characters, which bounds the lines in memory. Of a
    correct file, no line inside a shorter cell becomes a row, whatever a user typed there.
    """

    def __init__(self, text: Iterable[str]) -> None:
        """Read the header. Raises UnreadableFile."""
        lines = iter(text)
        try:
            first = next(lines, "")
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"the file cannot be read: {error}") from error
        self._separator = max(SEPARATORS, key=first.count)
        header = next(csv.reader([first], delimiter=self._separator), [])
        self._columns = _columns([name.strip() for name in header])
        self._lines = _Lines(lines)
        self._blank_lines = 0

    @property
    def lines(self) -> int:
        """The number of lines read, without the header and blank lines."""
        return self._lines.number - 1 - self._blank_lines

    def __iter__(self) -> Iterator[UserRow | Reject]:
        """Yield each row. Raises UnreadableFile."""
        parser, lines = RowParser(self._columns), self._lines
        reader = csv.reader(lines, delimiter=self._separator, strict=True)
        while True:
            lines.row.clear()
            try:
                cells = next(reader, None)
            except (OSError, EOFError, zlib.error) as error:
                message = f"the file cannot be read past line {lines.number}: {error}"
                raise UnreadableFile(message) from error
            except (csv.Error, UnclosedQuotation) as error:
                yield self._reject_line(error)
                continue
            if cells is None:
                return
            if len(lines.row) > 1:
                yield self._parse_lines(parser, cells)
            elif cells:
                yield parser.parse(lines.number, cells)
            else:
                self._blank_lines += 1

    def _parse_lines(self, parser: RowParser, cells: list[str]) -> UserRow | Reject:
        """Parse a row that spans lines; a reject states which."""
        if len(cells) != self._columns.count:
            return self._reject_line(UnclosedQuotation())
        last = self._lines.number
        first = last - len(self._lines.row) + 1
        row = parser.parse(first, cells)
        if isinstance(row, Reject):
            return row._replace(reason=f"{row.reason} (the row spans lines {first} to {last})")
        return row

    def _reject_line(self, error: Exception) -> Reject:
        """Reject the first line of the current row; the others are read again."""
        is_unclosed = isinstance(error, UnclosedQuotation) or len(self._lines.row) > 1
        line = self._lines.reread_from_second()
        user_id = ""
        with suppress(csv.Error, IndexError):
            # Without the last cell, which may have begun at a quotation mark in any column.
            cells = next(csv.reader([line], delimiter=self._separator))[:-1]
            user_id = cells[self._columns.user_id].strip()
        reason = UNCLOSED if is_unclosed else f"is not valid CSV: {error}"
        return Reject(self._lines.number, user_id, "", reason)


class UnclosedQuotation(Exception):
    """A quoted cell does not end where the row should."""


class _Lines:
    """The lines of a file after its header, of which those of the current row can be read again.

    `row`: the lines of the current row, which the caller clears. `number`: of the last line.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self.row: list[str] = []
        self.number = 1
        self._lines = lines
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._again.popleft() if self._again else next(self._lines)
        except StopIteration:
            if self.row:
                raise UnclosedQuotation from None
            raise
        self.row.append(line)
        self.number += 1
        return line

    def reread_from_second(self) -> str:
        """Return the first line of the current row; the next lines will be the others."""
        first, *others = self.row
        self._again.extendleft(reversed(others))
        self.number -= len(others)
        return first


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
