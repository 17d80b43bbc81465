"""Reads the rows of a CSV as other programs write them (`model.text_files`)."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.interests import fold
from model.text_files import UnreadableFile, open_text, read_header
from model.training.errors import TrainingDataError


def read_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the header, then each row with a cell that is not empty, with their line numbers.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is no CSV, or a row is not as long as the header.
    """
    try:
        with file.open("rb") as raw:
            lines, _ = open_text(raw, "strict")
            header = read_header(lines)
            yield header.line_number, header.names
            rows = csv.reader(lines, delimiter=header.separator, strict=True)
            for row in rows:
                if not any(map(str.strip, row)):
                    continue
                line = header.line_number + rows.line_num
                if len(row) != len(header.names):
                    raise TrainingDataError(
                        f"{file}, line {line}: {len(row)} columns, not {len(header.names)}"
                    )
                yield line, row
    except (UnreadableFile, csv.Error) as error:
        raise TrainingDataError(f"{file}: {error}") from error


def find_columns(file: Path, header: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the positions of columns named by heading or number (from 1), all without `wanted`.

    A text that is no heading may name several columns, separated by commas. Raises
    TrainingDataError if a column does not exist.
    """
    positions = dict.fromkeys(range(len(header)))
    if not wanted:
        return list(positions)
    by_name = {str(position + 1): [position] for position in positions}
    for folded in {fold(name) for name in header} - {""}:
        by_name[folded] = [j for j, name in enumerate(header) if fold(name) == folded]
    found: dict[int, None] = {}
    for text in wanted:
        names = [text] if fold(text) in by_name else text.split(",")
        for name in names:
            if fold(name) not in by_name:
                known = ", ".join(map(repr, filter(None, header)))
                raise TrainingDataError(f"{file}: no column {name.strip()!r} among {known}")
            found.update(dict.fromkeys(by_name[fold(name)]))
    return sorted(found)
