"""Pictures of results: which column is drawn, where it begins, and what a picture says it lacks."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from app.domain.analytics.chart import MAX_BARS, MAX_LINES, NothingToDraw, draw, make_figure
from app.domain.analytics.queries import Question, Result, questions, run
from tests.support.analysts import database_on

MONTHS = [date(2025, month, 1) for month in (1, 2, 3)]
LONG_NAME = "Rural tourism, Mediterranean food, trekking, theater, museums and Chinese food"


def figure(columns: str, *rows: list[Any], sql: str = "SELECT 1") -> tuple[Figure, str]:
    return make_figure(Question("x", "How many?", "", sql), Result(columns.split(), list(rows)))


def label_of_value(drawn: tuple[Figure, str]) -> str:
    return str(drawn[0].axes[0].get_xlabel())


@pytest.mark.parametrize(
    ("order", "drawn"),
    [
        ("ORDER BY joins_now DESC, city", "joins now"),
        ("ORDER BY 3, city LIMIT 20", "joins now"),
        ("ORDER BY city", "percent"),
        ("ORDER BY cluster, joins_now", "joins now"),
        ("ORDER BY city_id", "percent"),
        ("ORDER BY min(joins_now)", "percent"),
        ("", "percent"),
    ],
)
def test_the_column_by_which_a_result_is_sorted_is_drawn(order: str, drawn: str) -> None:
    rows = (["Vigo", 1, 9, 7, 3.5], ["Lugo", 2, 4, 8, 1.5])
    sql = f"SELECT sum(n) OVER (ORDER BY cluster) FROM (SELECT 1 ORDER BY percent) AS t {order}"
    if not order:
        sql = "SELECT 1"
    columns = "city cluster joins_now city_id percent"
    assert label_of_value(figure(columns, *rows, sql=sql)) == drawn


def test_what_is_left_out_is_in_the_title() -> None:
    bars, note = figure("city joins", *([f"c{n}", n] for n in range(MAX_BARS + 4)), ["none", None])
    assert note == "the first 30 of 34 rows; without 1 rows that have no joins"
    assert note in bars.axes[0].get_title()
    lines, note = figure(
        "month city joins", *([month, f"c{n}", n] for month in MONTHS for n in range(MAX_LINES + 3))
    )
    assert note == "the 8 largest of 11 lines"
    assert note in lines.axes[0].get_title()


def test_a_ratio_begins_at_1_and_other_numbers_at_0() -> None:
    drawn, _ = figure("interest times", ["surf", 3], ["coffee", 0.5])
    bars = [patch for patch in drawn.axes[0].patches if isinstance(patch, Rectangle)]
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(1, 2), (1, -0.5)]
    drawn, _ = figure("interest joins", ["surf", 3])
    assert drawn.axes[0].patches[0].get_x() == 0
    drawn, _ = figure(
        "month points", *([month, points] for month, points in zip(MONTHS, (1, -2, 3), strict=True))
    )
    assert drawn.axes[0].get_ylim()[0] < -2


def test_long_names_are_wrapped_and_inside_the_picture() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn, _ = figure("cluster_en joins", *([f"{LONG_NAME} {n}", n + 1] for n in range(5)))
    axes = drawn.axes[0]
    assert all("\n" in text.get_text() for text in axes.get_yticklabels())
    renderer = FigureCanvasAgg(drawn).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.get_yticklabels()]
    assert not any(below.overlaps(above) for above, below in zip(boxes, boxes[1:], strict=False))
    saved = drawn.get_tightbbox(renderer).transformed(drawn.dpi_scale_trans)
    assert all(saved.x0 <= box.x0 for box in boxes)
    lines, _ = figure(
        "month c joins", *([m, f"{LONG_NAME} {n}", n] for m in MONTHS for n in (1, 2))
    )
    renderer = FigureCanvasAgg(lines).get_renderer()
    legend = lines.axes[0].get_legend().get_window_extent(renderer)
    assert legend.x0 >= lines.axes[0].get_window_extent(renderer).x1


def test_a_result_without_numbers_is_not_drawn() -> None:
    for rows in ([], [["Vigo", None]], [["Vigo", True]]):
        with pytest.raises(NothingToDraw):
            figure("city joins", *rows)


def test_every_question_is_drawn(demo_url: str, tmp_path: Path) -> None:
    database = database_on(demo_url)
    for question in questions():
        file = tmp_path / f"{question.name}.svg"
        left_out = draw(question, run(database, question), file)
        assert left_out in file.read_text().replace("&#45;", "-"), question.name
    database.engine.dispose()
