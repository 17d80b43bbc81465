"""Reads a user base from a CSV file: ids, cities, interests."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from app.domain.imports.columns import find_columns
from app.domain.imports.interest_keys import InterestKeys
from app.domain.imports.row_parser import Reject, RowParser, UserRow
from model.text_files import read_header

UNCLOSED = "a quotation mark is not closed in this line"


class CsvReader:
    """Iterates over the rows of a file: each is a user or a reject.

    A row may span lines if it is valid CSV with the right number of cells. Otherwise its first line
    is rejected and the next line begins a row, so that a stray quotation mark costs one line. The
    csv module gives up cells of over 131,072 characters, which bounds the lines in memory. Of a
    correct file, no line inside a shorter cell becomes a row, whatever a user typed there.
    """

    def __init__(self, text: Iterable[str], keys: InterestKeys) -> None:
        """Read the header. Raises UnreadableFile."""
        lines = iter(text)
        self._header = read_header(lines)
        self._columns = find_columns(self._header.names, keys)
        self._keys = keys
        self._lines = _Lines(lines, self._header.line_number)
        self._blank_lines = 0

    @property
    def lines(self) -> int:
        """The number of lines read, without the header and blank lines."""
        return self._lines.number - self._header.line_number - self._blank_lines

    @property
    def line_number(self) -> int:
        """The number of the last line read."""
        return self._lines.number

    def __iter__(self) -> Iterator[UserRow | Reject]:
        """Yield each row."""
        parser, lines = RowParser(self._columns, self._keys), self._lines
        reader = csv.reader(lines, delimiter=self._header.separator, strict=True)
        while True:
            lines.row.clear()
            try:
                cells = next(reader, None)
            except (csv.Error, UnclosedQuotation) as error:
                yield self._reject_line(error)
                continue
            if cells is None:
                return
            if len(lines.row) > 1:
                yield self._parse_lines(parser, cells)
            elif any(map(str.strip, cells)):
                yield parser.parse(lines.number, cells)
            else:  # a spreadsheet's rows of empty cells too
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
            cells = next(csv.reader([line], delimiter=self._header.separator))[:-1]
            user_id = cells[self._columns.user_id].strip()
        reason = UNCLOSED if is_unclosed else f"is not valid CSV: {error}"
        return Reject(self._lines.number, user_id, "", reason)


class UnclosedQuotation(Exception):
    """A quoted cell does not end where the row should."""


class _Lines:
    """The lines of a file after its header, of which those of the current row can be read again.

    `row`: the lines of the current row, which the caller clears. `number`: of the last line.
    """

    def __init__(self, lines: Iterator[str], number: int) -> None:
        self.row: list[str] = []
        self.number = number
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
