"""Reads a survey as Google Forms exports it: one row a person, one column a question.

The first column is the time of the answer, every other a multi-select question whose answers are in
one cell, separated by commas (semicolons in some exports).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, fold, keys_by_answer
from model.training.csv_rows import read_rows
from model.training.errors import TrainingDataError

TIME_COLUMNS = ("timestamp", "marca temporal")
TIME_FORMAT = "%m/%d/%Y %H:%M:%S"


@dataclass(frozen=True, slots=True)
class UnknownAnswer:
    """An answer outside the vocabulary: free text, or an option added to the form.

    `person`: the row of `Survey.profiles`.
    """

    line: int
    question: str
    text: str
    person: int

    def message(self) -> str:
        """Return its location, and that it was skipped."""
        return (
            f"line {self.line}: unknown answer {self.text!r} to the question {self.question!r}; "
            "skipped"
        )


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

    def last_answer_at(self) -> datetime:
        """Return the time of the latest answer, as UTC: the form writes no time zone.

        Raises TrainingDataError if a time is not month/day/year hours:minutes:seconds.
        """
        try:
            times = [datetime.strptime(time, TIME_FORMAT) for time in self.times]
        except ValueError as error:
            raise TrainingDataError(f"the time of an answer cannot be read: {error}") from error
        return max(times).replace(tzinfo=UTC)


def is_form_export(file: Path) -> bool:
    """Return whether the first column is the form's time. Raises as `read_rows`."""
    _, header = next(read_rows(file))
    return _is_form_header(header)


def read_survey(file: Path, interests: Iterable[Interest]) -> Survey:
    """Read a form export in UTF-8 with the vocabulary `interests`.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is not a form export, or has no answers.
    """
    vocabulary = tuple(interests)
    positions = {interest.key: j for j, interest in enumerate(vocabulary)}
    keys = keys_by_answer(vocabulary)
    profiles: list[NDArray[np.float64]] = []
    times, unknown = [], []
    for line, time, answers in _read_people(file):
        profile = np.zeros(len(vocabulary))
        for question, text in answers:
            key = keys.get(fold(text))
            if key is None:
                unknown.append(UnknownAnswer(line, question, text, len(profiles)))
            else:
                profile[positions[key]] = 1.0
        profiles.append(profile)
        times.append(time)
    if not profiles:
        raise TrainingDataError(f"{file}: no answers")
    return Survey(tuple(positions), np.array(profiles), tuple(times), tuple(unknown))


def _read_people(file: Path) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Yield each person's line, time and (question, answer) pairs."""
    rows = read_rows(file)
    _, header = next(rows)
    if len(header) < 2 or not _is_form_header(header):
        raise TrainingDataError(f"{file}: not a form export, its first column is not Timestamp")
    for line, row in rows:
        answers = [
            (question, text.strip())
            for question, cell in zip(header[1:], row[1:], strict=True)
            for text in re.split("[,;]", cell)
            if text.strip()
        ]
        yield line, row[0].strip(), answers


def _is_form_header(header: Sequence[str]) -> bool:
    return bool(header) and fold(header[0]) in TIME_COLUMNS
