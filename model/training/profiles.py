"""Training data: the people's profiles, from a survey, a tidy CSV or the database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, key_from_text
from model.training.errors import TrainingDataError
from model.training.survey import Survey, is_form_export, read_survey
from model.training.tidy_csv import read_tidy

# An answer outside the vocabulary becomes an interest if at least this many people, and this share
# of them, selected it. A rarer one is free text or a typing error, and no component could be
# learned from it.
MIN_LEARNED_PEOPLE = 5
MIN_LEARNED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Profiles:
    """People by interests.

    Attributes:
        interests: (m) keys, the columns of `ticks`.
        ticks: (n, m) of 0.0/1.0.
        last_at: the time of the latest answer, None if the source has no times that can be read.
        undated: why `last_at` is None although the source has times.
        left_out: number of skipped people, who selected no interest.
        learned: the keys among `interests` that are not in the vocabulary.
        unknown: messages about the answers that are in no profile, without any text that a person
            typed.
    """

    interests: tuple[str, ...]
    ticks: NDArray[np.float64]
    last_at: datetime | None = None
    left_out: int = 0
    learned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    undated: str = ""

    def drop_empty(self) -> "Profiles":
        """Return them without the people who selected nothing.

        Raises TrainingDataError if no people remain.
        """
        filled = self.ticks.any(axis=1)
        if not filled.any():
            raise TrainingDataError("nobody selected an interest")
        return replace(self, ticks=self.ticks[filled], left_out=int((~filled).sum()))


def read_profiles(
    file: Path, vocabulary: Sequence[Interest], columns: Sequence[str] = ()
) -> Profiles:
    """Read a form export or a tidy CSV, distinguished by the name of the first column.

    Frequent answers of a form export that are not in `vocabulary` become new interests
    (`is_learned`), unless they exclude each other, are about the person or hardly any answer of the
    column is known; the others are counted in `unknown`. `columns`: the headings or numbers of the
    columns to read and learn from, all without it.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is neither, or nobody selected an interest.
    """
    if is_form_export(file):
        profiles = learn_interests(read_survey(file, vocabulary, columns))
        if not columns and not profiles.ticks.any():
            raise TrainingDataError(
                "no answer is a known interest; --columns names the columns to learn new ones from"
            )
        return profiles.drop_empty()
    return Profiles(*read_tidy(file, vocabulary, columns)).drop_empty()


def read_published_profiles(
    file: Path, vocabulary: Sequence[Interest], columns: Sequence[str] = ()
) -> Profiles:
    """Read a form export for the published fit: only the vocabulary, and also empty profiles.

    Raises:
        OSError: the file cannot be read.
        TrainingDataError: it is not a form export, or has no answers.
    """
    survey = read_survey(file, vocabulary, columns)
    counts = Counter(answer.question.heading for answer in survey.unknown)
    unknown = tuple(
        f"column {heading!r}: {answers} unknown answers; skipped"
        for heading, answers in counts.items()
    )
    return _dated(Profiles(survey.interests, survey.profiles, unknown=unknown), survey)


def learn_interests(survey: Survey) -> Profiles:
    """Return a survey's profiles, with its frequent unknown answers as new interests."""
    people_by_key: dict[str, set[int]] = {}
    for answer in survey.unknown:
        if not answer.question.not_learned:
            people_by_key.setdefault(key_from_text(answer.text), set()).add(answer.person)
    learned = tuple(
        key
        for key, people in sorted(people_by_key.items())
        if key and key not in survey.interests and is_learned(len(people), len(survey.profiles))
    )
    added = np.zeros((len(survey.profiles), len(learned)))
    for column, key in enumerate(learned):
        added[list(people_by_key[key]), column] = 1.0
    ticks = np.hstack([survey.profiles, added])
    keys = (*survey.interests, *learned)
    if learned and not survey.profiles.any():
        # The form is about other things: our interests, which nobody selected, are dropped.
        keys, ticks = learned, added
    profiles = Profiles(keys, ticks, learned=learned, unknown=_describe_skipped(survey, learned))
    return _dated(profiles, survey)


def _describe_skipped(survey: Survey, learned: Sequence[str]) -> tuple[str, ...]:
    """Return for each column how many answers were skipped, and why."""
    counts = Counter(
        answer.question
        for answer in survey.unknown
        if answer.question.not_learned or key_from_text(answer.text) not in learned
    )
    return tuple(
        f"column {question.heading!r}: {answers} answers skipped, "
        + (
            f"because {question.not_learned}; --columns reads such a column"
            if question.not_learned
            else "too rare to be learned"
        )
        for question, answers in counts.items()
    )


def _dated(profiles: Profiles, survey: Survey) -> Profiles:
    """Return the profiles with the time of the last answer, or why it is not known."""
    try:
        return replace(profiles, last_at=survey.last_answer_at())
    except TrainingDataError as error:
        return replace(profiles, undated=str(error))


def is_learned(people: int, total: int) -> bool:
    """Return whether enough people selected an interest for a model to learn it."""
    return people >= MIN_LEARNED_PEOPLE and people >= MIN_LEARNED_SHARE * total


def profiles_from_rows(rows: Iterable[tuple[Sequence[str], int]], known: Sequence[str]) -> Profiles:
    """Return the profiles of rows (selected keys, number of people who selected exactly these).

    The interests are `known`, then the other keys that enough people selected, in code point
    order. Rarer keys are skipped: `unknown` names those of at least MIN_LEARNED_PEOPLE people and
    counts the others, since a key can be what one person typed about themselves.

    Raises TrainingDataError if nobody selected an interest.
    """
    # Sorted, because the order of a database's rows is arbitrary and would change the fit.
    counted = sorted(
        ((frozenset(keys), people) for keys, people in rows), key=lambda row: sorted(row[0])
    )
    total = sum(people for keys, people in counted if keys)
    people_by_key = Counter[str]()
    for keys, people in counted:
        people_by_key.update(dict.fromkeys(keys, people))
    others = sorted(set(people_by_key).difference(known))
    learned = tuple(key for key in others if is_learned(people_by_key[key], total))
    interests = (*known, *learned)
    position = {key: j for j, key in enumerate(interests)}
    ticks = np.zeros((sum(people for _, people in counted), len(interests)))
    row = 0
    for keys, people in counted:
        ticks[row : row + people, [position[key] for key in keys if key in position]] = 1.0
        row += people
    skipped = [key for key in others if key not in learned]
    named = [key for key in skipped if people_by_key[key] >= MIN_LEARNED_PEOPLE]
    unknown = [
        f"{key!r}: selected by {people_by_key[key]}, too few to learn; skipped" for key in named
    ]
    if unnamed := len(skipped) - len(named):
        unknown.append(f"{unnamed:,} keys of fewer than {MIN_LEARNED_PEOPLE} people are left out")
    return Profiles(interests, ticks, learned=learned, unknown=tuple(unknown)).drop_empty()
