"""Reads a survey as Google Forms exports it: one row a person, one column a question.

The first column is the time of the answer, every other a multi-select question whose answers
stand in one cell, separated by commas (semicolons in some exports).
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, fold, keys_by_answer

TIME_COLUMNS = ("timestamp", "marca temporal")
TIME_FORMAT = "%m/%d/%Y %H:%M:%S"


class SurveyError(ValueError):
    """The file is not a survey that can be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class UnknownAnswer:
    """An answer that no interest's aliases contain: free text, or an option added to the form.

    `person`: the row of `Survey.profiles`.
    """

    line: int
    question: str
    text: str
    person: int

    def told(self) -> str:
        """Where it stands, and that it was left out."""
        return (
            f"line {self.line}: no interest means {self.text!r} "
            f"(answer to {self.question!r}); left out"
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """The people of a survey.

    Attributes:
        interests: (m) keys, the columns of `profiles`.
        profiles: (n, m) of 0.0/1.0, one row a person.
        times: (n) times of the answers, as the file writes them.
        unknown: the answers that are in no profile.
    """

    interests: tuple[str, ...]
    profiles: NDArray[np.float64]
    times: tuple[str, ...]
    unknown: tuple[UnknownAnswer, ...]

    def last_answer_at(self) -> datetime:
        """The time of the latest answer. The form writes no time zone: taken as UTC.

        Raises:
            SurveyError: a time is not written month/day/year hours:minutes:seconds.
        """
        try:
            times = [datetime.strptime(time, TIME_FORMAT) for time in self.times]
        except ValueError as error:
            raise SurveyError(f"the time of an answer cannot be read: {error}") from error
        return max(times).replace(tzinfo=UTC)

    def has_readable_times(self) -> bool:
        """Whether `last_answer_at` can be told."""
        try:
            self.last_answer_at()
        except SurveyError:
            return False
        return True


def is_form_export(file: Path) -> bool:
    """Whether the first column is the form's time.

    Raises:
        OSError: the file cannot be read.
        SurveyError: it is not text in UTF-8.
    """
    header = next(csv.reader([_header(file)], delimiter=delimiter_of(file)), [])
    return bool(header) and fold(header[0]) in TIME_COLUMNS


def delimiter_of(file: Path) -> str:
    """What separates the columns: the commonest of comma, semicolon and tab in the first line.

    Raises as `is_form_export`.
    """
    unquoted = re.sub(r'"[^"]*"', "", _header(file))
    return max(",;\t", key=unquoted.count)


def _header(file: Path) -> str:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return lines.readline()
    except UnicodeDecodeError as error:
        raise SurveyError(f"{file}: {error}") from error


def read_survey(file: Path, interests: Iterable[Interest]) -> Survey:
    """Reads `file`, a form export in UTF-8, in the vocabulary `interests`.

    Raises:
        OSError: the file cannot be read.
        SurveyError: it is not a form export, or nobody answered.
    """
    vocabulary = tuple(interests)
    positions = {interest.key: j for j, interest in enumerate(vocabulary)}
    keys = keys_by_answer(vocabulary)
    profiles: list[NDArray[np.float64]] = []
    times, unknown = [], []
    for line, time, cells in _rows(file):
        profile = np.zeros(len(vocabulary))
        for question, text in cells:
            key = keys.get(fold(text))
            if key is None:
                unknown.append(UnknownAnswer(line, question, text, len(profiles)))
            else:
                profile[positions[key]] = 1.0
        profiles.append(profile)
        times.append(time)
    if not profiles:
        raise SurveyError(f"{file}: nobody answered")
    return Survey(tuple(positions), np.array(profiles), tuple(times), tuple(unknown))


def _rows(file: Path) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Of each person: the line, the time, and (question, answer) of every answer."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=delimiter_of(file), strict=True)
            header = next(rows, [])
            if len(header) < 2 or fold(header[0]) not in TIME_COLUMNS:
                raise SurveyError(f"{file}: not a form export, its first column is not Timestamp")
            for row in rows:
                if not row:
                    continue
                if len(row) != len(header):
                    raise SurveyError(
                        f"{file}, line {rows.line_num}: {len(row)} columns, not {len(header)}"
                    )
                answers = [
                    (question, text.strip())
                    for question, cell in zip(header[1:], row[1:], strict=True)
                    for text in re.split("[,;]", cell)
                    if text.strip()
                ]
                yield rows.line_num, row[0].strip(), answers
    except (UnicodeDecodeError, csv.Error) as error:
        raise SurveyError(f"{file}: {error}") from error
