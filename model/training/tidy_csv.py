"""Reads a tidy CSV: one row a person, one column an interest, 0 or 1 in each cell."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.training.survey import SurveyError, delimiter_of

# Columns that say who and where, not what they like.
OTHER_COLUMNS = ("_id", "city", "country")
TICKS = {"0": 0.0, "1": 1.0, "": 0.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}


@dataclass(frozen=True, slots=True)
class Tidy:
    """The people of a tidy CSV: `ticks` is (n, m) of 0.0/1.0, its columns `interests`."""

    interests: tuple[str, ...]
    ticks: NDArray[np.float64]


def read_tidy(file: Path) -> Tidy:
    """Reads `file`, in UTF-8; the columns that are not `_id`, `city` or `country` are interests.

    Cells are 0 or 1 (also true, false; empty is 0).

    Raises:
        OSError: the file cannot be read.
        SurveyError: a cell is something else, a column is there twice, or nobody is.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=delimiter_of(file), strict=True)
            header = [name.strip() for name in next(rows, [])]
            columns = [j for j, name in enumerate(header) if name not in OTHER_COLUMNS]
            _check(file, [header[j] for j in columns])
            ticks = [_ticks(file, rows.line_num, header, row, columns) for row in _filled(rows)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SurveyError(f"{file}: {error}") from error
    if not ticks:
        raise SurveyError(f"{file}: nobody answered")
    return Tidy(tuple(header[j] for j in columns), np.array(ticks))


def _filled(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    return (row for row in rows if row)


def _check(file: Path, interests: list[str]) -> None:
    if not interests:
        raise SurveyError(f"{file}: no column is an interest (0 or 1 for each person)")
    for name in interests:
        if not name:
            raise SurveyError(f"{file}: a column has no name; an interest's column is its key")
        if interests.count(name) > 1:
            raise SurveyError(f"{file}: the column {name} is there twice")


def _ticks(
    file: Path, line: int, header: list[str], row: list[str], columns: list[int]
) -> list[float]:
    if len(row) != len(header):
        raise SurveyError(f"{file}, line {line}: {len(row)} columns, not {len(header)}")
    try:
        return [TICKS[row[j].strip().lower()] for j in columns]
    except KeyError as error:
        name = next(header[j] for j in columns if row[j].strip().lower() not in TICKS)
        raise SurveyError(
            f"{file}, line {line}: {error.args[0]!r} in the column {name} is neither 0 nor 1 (a "
            "form export's first column is Timestamp; every column of a tidy file but _id, city "
            "and country is an interest)"
        ) from error
