"""Reads a tidy CSV: one row a person, one column an interest, 0 or 1 in each cell."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, fold, keys_by_answer
from model.training.csv_rows import find_columns, read_rows
from model.training.errors import TrainingDataError

# Who and where a person is: every other column is an interest.
OTHER_COLUMNS = ("_id", "city", "country")
TICKS = {"0": 0.0, "1": 1.0, "": 0.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
TICKS |= {"falso": 0.0, "verdadero": 1.0}  # Excel in Spanish


def read_tidy(
    file: Path, vocabulary: Iterable[Interest], chosen: Sequence[str] = ()
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read a file: return its interests (m) and the people's profiles (n, m) of 0.0/1.0.

    Cells are 0 or 1 (also true, false; empty is 0). A heading that is a label or an alias of
    `vocabulary` is read as its key. `chosen`: the headings or numbers of the columns to read, all
    without it.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: another value in a cell, a duplicate column, or no people.
    """
    rows = read_rows(file)
    header = next(rows)[1]
    keys = keys_by_answer(vocabulary)
    columns = {
        j: keys.get(fold(header[j]), header[j])
        for j in find_columns(file, header, chosen)
        if header[j] not in OTHER_COLUMNS
    }
    _check_columns(file, list(columns.values()))
    profiles = [_parse_row(file, line, row, columns) for line, row in rows]
    if not profiles:
        raise TrainingDataError(f"{file}: no answers")
    return tuple(columns.values()), np.array(profiles)


def _check_columns(file: Path, interests: list[str]) -> None:
    if not interests:
        raise TrainingDataError(f"{file}: no column is an interest (0 or 1 for each person)")
    for name in interests:
        if not name:
            raise TrainingDataError(f"{file}: a column has no name; it must be an interest's key")
        if interests.count(name) > 1:
            raise TrainingDataError(f"{file}: duplicate column {name}")


def _parse_row(file: Path, line: int, row: list[str], columns: dict[int, str]) -> list[float]:
    cells = [row[j].strip().lower() for j in columns]
    try:
        return [TICKS[cell] for cell in cells]
    except KeyError as error:
        name = list(columns.values())[cells.index(error.args[0])]
        raise TrainingDataError(
            f"{file}, line {line}: the cell of the column {name} is neither 0 nor 1 (a "
            "form export's first column is Timestamp; every column of a tidy file but _id, city "
            "and country is an interest, or --columns names those that are)"
        ) from error
