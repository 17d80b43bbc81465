"""Reads a survey as Google Forms exports it: one row a person, one column a question.

The first column is the time of the answer, every other a multi-select question whose answers are in
one cell, separated by commas or by semicolons.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, fold, keys_by_answer
from model.training.answer_times import last_time
from model.training.csv_rows import find_columns, read_rows
from model.training.errors import TrainingDataError
from model.training.questions import Question, find_question

TIME_COLUMNS = ("timestamp", "marca temporal")


@dataclass(frozen=True, slots=True)
class UnknownAnswer:
    """An answer outside the vocabulary, such as an option added to the form, or about the person.

    `person`: the row of `Survey.profiles`.
    """

    question: Question
    text: str
    person: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The people of a survey.

    Attributes:
        interests: (m) keys, the columns of `profiles`.
        profiles: (n, m) of 0.0/1.0, one row a person.
        times: (n) times of the answers, as written in the file.
        unknown: the answers that are in no profile.
    """

    interests: tuple[str, ...]
    profiles: NDArray[np.float64]
    times: tuple[str, ...]
    unknown: tuple[UnknownAnswer, ...]

    def last_answer_at(self) -> datetime | None:
        """Return the time of the latest answer, None without times; UTC if it has no time zone.

        Raises TrainingDataError if the times cannot be read.
        """
        return last_time(self.times)


def is_form_export(file: Path) -> bool:
    """Return whether the first column is the form's time. Raises as `read_rows`."""
    _, header = next(read_rows(file))
    return _is_form_header(header)


def read_survey(file: Path, interests: Iterable[Interest], columns: Sequence[str] = ()) -> Survey:
    """Read a form export with the vocabulary `interests`.

    `columns`: the headings or numbers of the questions to read; all without it.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is not a form export, or has no answers.
    """
    vocabulary = tuple(interests)
    positions = {interest.key: j for j, interest in enumerate(vocabulary)}
    keys = keys_by_answer(vocabulary)
    questions, rows = _read_questions(file, columns, keys)
    profiles = np.zeros((len(rows), len(vocabulary)))
    unknown = []
    for person, row in enumerate(rows):
        for question in questions:
            for text in question.answers(row[question.position]):
                key = None if question.is_personal else keys.get(fold(text))
                if key is None:
                    unknown.append(UnknownAnswer(question, text, person))
                else:
                    profiles[person, positions[key]] = 1.0
    times = tuple(row[0].strip() for row in rows)
    return Survey(tuple(positions), profiles, times, tuple(unknown))


def _read_questions(
    file: Path, columns: Sequence[str], known: Container[str]
) -> tuple[list[Question], list[list[str]]]:
    """Return a form's questions and the rows of its people."""
    numbered_rows = read_rows(file)
    _, header = next(numbered_rows)
    if len(header) < 2 or not _is_form_header(header):
        raise TrainingDataError(f"{file}: not a form export, its first column is not Timestamp")
    rows = [row for _, row in numbered_rows]
    if not rows:
        raise TrainingDataError(f"{file}: no answers")
    chosen = find_columns(file, header, columns)
    questions = [
        find_question(header[j], j, rows, known=known, is_chosen=bool(columns)) for j in chosen if j
    ]
    return questions, rows


def _is_form_header(header: Sequence[str]) -> bool:
    return bool(header) and fold(header[0]) in TIME_COLUMNS
