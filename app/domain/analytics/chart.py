"""Draws a query's result: lines over time where it begins with a date, bars elsewhere.

The drawn value is the number by which the query sorts, or else the last numeric column. The views
have no period that is not over, so that no line ends in a fall that is none.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.analytics.queries import Question, Result
from app.infra.plotting import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More lines cannot be distinguished, and more bars cannot be read.
MAX_LINES, MAX_BARS = 8, 30
MAX_LABEL_LENGTH = 40
# 1 means no difference, so a ratio's bars begin there.
RATIO = "times"
SORT_KEYS = re.compile(r".*ORDER BY\s+(.*)", re.DOTALL | re.IGNORECASE)
# Numbers that are names.
IDS = re.compile(r"cluster|place|\w+_id")


class NothingToDraw(Exception):
    """The result has no row or no numeric column."""


def draw(question: Question, result: Result, file: Path) -> str:
    """Draw a result into a file; return what the picture leaves out, or "".

    Raises NothingToDraw, ImportError without matplotlib, OSError.
    """
    figure, left_out = make_figure(question, result)
    save(figure, file, question.name)
    return left_out


def make_figure(question: Question, result: Result) -> "tuple[Figure, str]":
    """Return a result's picture and what it leaves out, or "".

    Raises NothingToDraw, ImportError without matplotlib.
    """
    position = _value_position(question.sql, result)
    label = result.columns[position].replace("_", " ")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5))
    axes = figure.subplots()
    rows = [row for row in result.rows if row[position] is not None]
    origin = 1 if result.columns[position] == RATIO else 0
    if isinstance(rows[0][0], date):
        left_out = _draw_lines(axes, rows, position)
        axes.set_ylabel(label)
        if origin:
            axes.axhline(origin, color="black", linewidth=0.8)
        elif min(row[position] for row in rows) >= 0:
            axes.set_ylim(bottom=0)
        figure.autofmt_xdate()
    else:
        left_out = _draw_bars(axes, rows, position, origin)
        axes.set_xlabel(label)
        axes.axvline(origin, color="black", linewidth=0.8)
        lines = sum(text.get_text().count("\n") + 1 for text in axes.get_yticklabels())
        figure.set_figheight(1.2 + 0.25 * lines)
    if missing := len(result.rows) - len(rows):
        left_out.append(f"without {missing} rows that have no {label}")
    note = "; ".join(left_out)
    axes.set_title(f"{question.title}\n({note})" if note else question.title)
    return figure, note


def _value_position(query: str, result: Result) -> int:
    """Return the position of the column to draw. Raises NothingToDraw."""
    numeric = [
        position
        for position in range(len(result.columns))
        if any(_is_number(row[position]) for row in result.rows)
    ]
    if not numeric:
        raise NothingToDraw
    for position in _sort_positions(query, result.columns):
        if position in numeric and not IDS.fullmatch(result.columns[position]):
            return position
    return numeric[-1]


def _sort_positions(query: str, columns: Sequence[str]) -> Iterator[int]:
    """Yield the positions of the columns by which a query sorts its result."""
    keys = SORT_KEYS.fullmatch(query)
    for key in keys[1].split(",") if keys else []:
        word = key.split()[0] if key.split() else ""
        if word in columns:
            yield columns.index(word)
        elif word.isdigit() and 1 <= int(word) <= len(columns):
            yield int(word) - 1


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _draw_lines(axes: "Axes", rows: list[list[Any]], position: int) -> list[str]:
    """Draw a line for each name, and return what is left out."""
    series: dict[str, dict[Any, float]] = {}
    for row in rows:
        line = series.setdefault(_name(row[1:]), {})
        line[row[0]] = line.get(row[0], 0) + row[position]
    largest = sorted(series, key=lambda name: -sum(series[name].values()))[:MAX_LINES]
    for name in largest:
        axes.plot(*zip(*sorted(series[name].items()), strict=True), label=_wrap(name))
    if len(series) > 1:
        # Beside the lines, because long names would hide them.
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    if len(series) > len(largest):
        return [f"the {len(largest)} largest of {len(series)} lines"]
    return []


def _draw_bars(axes: "Axes", rows: list[list[Any]], position: int, origin: int) -> list[str]:
    """Draw the first rows as bars, and return what is left out."""
    shown = rows[:MAX_BARS]
    axes.barh(range(len(shown)), [row[position] - origin for row in shown], left=origin)
    axes.set_yticks(range(len(shown)), [_wrap(_name(row) or str(row[0])) for row in shown])
    axes.invert_yaxis()
    return [f"the first {len(shown)} of {len(rows)} rows"] if len(rows) > len(shown) else []


def _wrap(name: str) -> str:
    return textwrap.fill(name, MAX_LABEL_LENGTH)


def _name(row: list[Any]) -> str:
    return ", ".join(cell for cell in row if isinstance(cell, str))
