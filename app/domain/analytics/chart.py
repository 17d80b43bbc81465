"""Draws a query's result: lines over time where it begins with a date, bars elsewhere.

The drawn value is the last numeric column.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.analytics.queries import Question, Result
from app.infra.plotting import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines cannot be distinguished, and more bars cannot be read.
MAX_LINES, MAX_BARS = 8, 30


class NothingToDraw(Exception):
    """The result has no row or no numeric column."""


def draw(question: Question, result: Result, file: Path) -> None:
    """Draw a result into a file.

    Raises NothingToDraw, ImportError without matplotlib, OSError.
    """
    position = _value_position(result)
    label = result.columns[position].replace("_", " ")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5))
    axes = figure.subplots()
    if isinstance(result.rows[0][0], date):
        _draw_lines(axes, result, position)
        axes.set_ylabel(label)
        figure.autofmt_xdate()
    else:
        bars = _draw_bars(axes, result, position)
        axes.set_xlabel(label)
        figure.set_figheight(1.2 + 0.25 * bars)
    axes.set_title(question.title)
    save(figure, file, question.name)


def _value_position(result: Result) -> int:
    """Return the position of the last numeric column. Raises NothingToDraw."""
    for position in reversed(range(len(result.columns))):
        if any(_is_number(row[position]) for row in result.rows):
            return position
    raise NothingToDraw


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _draw_lines(axes: "Axes", result: Result, position: int) -> None:
    series: dict[str, dict[Any, float]] = {}
    for row in result.rows:
        if row[position] is not None:
            line = series.setdefault(_name(row[1:]), {})
            line[row[0]] = line.get(row[0], 0) + row[position]
    largest = sorted(series, key=lambda name: -sum(series[name].values()))[:MAX_LINES]
    for name in largest:
        axes.plot(list(series[name]), list(series[name].values()), label=name)
    axes.set_ylim(bottom=0)
    if len(series) > 1:
        axes.legend()


def _draw_bars(axes: "Axes", result: Result, position: int) -> int:
    """Draw the first rows as bars and return their number."""
    rows = [row for row in result.rows if row[position] is not None][:MAX_BARS]
    names = [_name(row) or str(row[0]) for row in rows]
    axes.barh(range(len(rows)), [row[position] for row in rows])
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    return len(rows)


def _name(row: list[Any]) -> str:
    return ", ".join(cell for cell in row if isinstance(cell, str))
