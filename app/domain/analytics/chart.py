"""An answer as a picture: lines over time where it begins with a date, bars where it does not.

What is drawn is the last column that is a number.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.analytics.queries import Answer, Question
from app.infra.plotting import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines than this cannot be told apart, and more bars not be read.
MOST_LINES, MOST_BARS = 8, 30


class NothingToDraw(Exception):
    """The answer has no row, or no number."""


def draw(question: Question, answer: Answer, file: Path) -> None:
    """Draw an answer into a file.

    Raises NothingToDraw, ImportError without matplotlib, OSError.
    """
    value = _measure(answer)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5))
    axes = figure.subplots()
    if isinstance(answer.rows[0][0], date):
        _lines(axes, answer, value)
        figure.autofmt_xdate()
    else:
        figure.set_figheight(1.2 + 0.25 * _bars(axes, answer, value))
    axes.set_title(question.title)
    save(figure, file, question.name)


def _measure(answer: Answer) -> int:
    """The last column that is a number."""
    numbers = [
        place
        for place in range(len(answer.columns))
        if any(_is_number(row[place]) for row in answer.rows)
    ]
    if not numbers:
        raise NothingToDraw
    return numbers[-1]


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _lines(axes: "Axes", answer: Answer, value: int) -> None:
    series: dict[str, dict[Any, float]] = {}
    for row in answer.rows:
        if row[value] is not None:
            line = series.setdefault(_words(row[1:]), {})
            line[row[0]] = line.get(row[0], 0) + row[value]
    largest = sorted(series, key=lambda name: -sum(series[name].values()))[:MOST_LINES]
    for name in largest:
        axes.plot(list(series[name]), list(series[name].values()), label=name)
    axes.set_ylabel(_spelt(answer.columns[value]))
    axes.set_ylim(bottom=0)
    if len(series) > 1:
        axes.legend()


def _bars(axes: "Axes", answer: Answer, value: int) -> int:
    """Draw them; how many."""
    rows = [row for row in answer.rows if row[value] is not None][:MOST_BARS]
    names = [_words(row) or str(row[0]) for row in rows]
    axes.barh(range(len(rows)), [row[value] for row in rows])
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlabel(_spelt(answer.columns[value]))
    return len(rows)


def _words(row: list[Any]) -> str:
    return ", ".join(cell for cell in row if isinstance(cell, str))


def _spelt(column: str) -> str:
    return column.replace("_", " ")
