"""The people a model is trained on, whatever they came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.interests import Interest, key_of
from model.training.survey import Survey, SurveyError, is_form_export, read_survey
from model.training.tidy_csv import read_tidy

# What no interest explains becomes one when at least this many people and this share of them
# ticked it. Fewer are free text, misspellings, and a component could not be learned from them.
LEARNED_PEOPLE = 5
LEARNED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Profiles:
    """People by interests.

    Attributes:
        interests: (m) keys, the columns of `ticks`.
        ticks: (n, m) of 0.0/1.0; nobody who ticked nothing.
        last_at: the time of the latest answer, None when the source has no times.
        left_out: people who ticked none of the interests.
        learned: the keys among `interests` that the vocabulary did not have.
        unknown: a line for each answer that is in no profile, which says where it stands.
    """

    interests: tuple[str, ...]
    ticks: NDArray[np.float64]
    last_at: datetime | None = None
    left_out: int = 0
    learned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def without_the_empty(self) -> "Profiles":
        """The same, less the people who ticked nothing.

        Raises:
            SurveyError: nobody is left.
        """
        filled = self.ticks.any(axis=1)
        if not filled.any():
            raise SurveyError("nobody ticked an interest")
        return replace(self, ticks=self.ticks[filled], left_out=int((~filled).sum()))


def read_profiles(file: Path, vocabulary: Sequence[Interest]) -> Profiles:
    """The people of a form export or of a tidy CSV, told apart by the first column's name.

    Answers of a form export that no interest of `vocabulary` explains become interests of their
    own when enough people ticked them (`is_learned`); the others are listed in `unknown`.

    Raises:
        OSError: the file cannot be read.
        SurveyError: it is neither, or nobody ticked anything.
    """
    if not is_form_export(file):
        tidy = read_tidy(file)
        return Profiles(tidy.interests, tidy.ticks).without_the_empty()
    survey = read_survey(file, vocabulary)
    found = learn(survey)
    return found.without_the_empty()


def learn(survey: Survey) -> Profiles:
    """A survey's people, with the answers that enough of them gave as interests of their own."""
    people_of: dict[str, set[int]] = {}
    for answer in survey.unknown:
        people_of.setdefault(key_of(answer.text), set()).add(answer.person)
    learned = tuple(
        key
        for key, people in sorted(people_of.items())
        if key and key not in survey.interests and is_learned(len(people), len(survey.profiles))
    )
    added = np.zeros((len(survey.profiles), len(learned)))
    for column, key in enumerate(learned):
        added[list(people_of[key]), column] = 1.0
    ticks = np.hstack([survey.profiles, added])
    used = ticks.sum(axis=0) > 0
    keys = (*survey.interests, *learned)
    # An interest that nobody ticked would make the vocabulary of a foreign survey ours.
    foreign = bool(learned) and not survey.profiles.any()
    kept = [j for j in range(len(keys)) if used[j] or not foreign]
    return Profiles(
        interests=tuple(keys[j] for j in kept),
        ticks=ticks[:, kept],
        last_at=survey.last_answer_at() if survey.has_readable_times() else None,
        learned=learned,
        unknown=tuple(a.told() for a in survey.unknown if key_of(a.text) not in learned),
    )


def is_learned(people: int, of: int) -> bool:
    """Whether enough people ticked something for a model to learn it."""
    return people >= LEARNED_PEOPLE and people >= LEARNED_SHARE * of


def of_rows(rows: Iterable[tuple[Sequence[str], int]], known: Sequence[str]) -> Profiles:
    """The people of (ticked keys, how many ticked exactly these) rows.

    The vocabulary: `known`, then the other keys that enough people ticked, by code point. Other
    keys are left out and told in `unknown`, each once.

    Raises:
        SurveyError: nobody ticked an interest.
    """
    counted = [(frozenset(keys), people) for keys, people in rows]
    total = sum(people for keys, people in counted if keys)
    ticked: dict[str, int] = {}
    for keys, people in counted:
        for key in keys:
            ticked[key] = ticked.get(key, 0) + people
    others = sorted(set(ticked).difference(known))
    learned = tuple(key for key in others if is_learned(ticked[key], total))
    interests = (*known, *learned)
    position = {key: j for j, key in enumerate(interests)}
    ticks = np.zeros((sum(people for _, people in counted), len(interests)))
    row = 0
    # Sorted: the order in which a database gives its rows is nobody's, and the fit would follow it.
    for keys, people in sorted(counted, key=lambda entry: sorted(entry[0])):
        ticks[row : row + people, [position[key] for key in keys if key in position]] = 1.0
        row += people
    unknown = tuple(
        f"{key!r}: ticked by {ticked[key]}, too few to learn; left out"
        for key in others
        if key not in learned
    )
    return Profiles(interests, ticks, learned=learned, unknown=unknown).without_the_empty()
