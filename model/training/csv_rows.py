"""Reads the rows of a CSV in UTF-8, with commas, semicolons or tabs."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from model.training.errors import TrainingDataError


def read_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the header, then each row that is not blank, with their line numbers.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is no CSV in UTF-8, or a row is not as long as the header.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            # Most frequent in the header, outside quotes.
            unquoted = re.sub(r'"[^"]*"', "", lines.readline())
            delimiter = max(",;\t", key=unquoted.count)
            lines.seek(0)
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            header = next(rows, [])
            yield rows.line_num, header
            for row in filter(None, rows):
                if len(row) != len(header):
                    raise TrainingDataError(
                        f"{file}, line {rows.line_num}: {len(row)} columns, not {len(header)}"
                    )
                yield rows.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise TrainingDataError(f"{file}: {error}") from error
