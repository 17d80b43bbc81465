"""The questions of a form: how their answers are separated, and which new ones may be learned."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from model.interests import fold

# Of fewer filled cells with several answers, the answers exclude each other: a gender, an age.
MIN_SEVERAL_SHARE = 0.1
# Of a smaller share of known interests, the answers are about something else: places, jobs.
MIN_KNOWN_SHARE = 0.1
# Words in the heading of a column about the person, whose answers may be of several parts: a city.
ABOUT_PERSON = re.compile(
    r"\b(?:e?mail|correo|name|nombre|surname|apellidos?|username|usuario|phone|telefono|movil|gender"
    r"|genero|sexo?|age|edad|birth|nacimiento|address|direccion|city|ciudad|town|localidad|municipio"
    r"|provincia|country|pais)\b"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A column of answers.

    `is_personal`: its answers are about the person, and no interests. `not_learned`: why no
    interest is learned from it, empty if one may.
    """

    heading: str
    position: int
    separator: str
    is_personal: bool = False
    not_learned: str = ""

    def answers(self, cell: str) -> list[str]:
        """Return the answers of a cell."""
        # A person may separate their own words otherwise.
        separator = self.separator if self.separator in cell else ";"
        return [answer.strip() for answer in cell.split(separator) if answer.strip()]


def find_question(
    heading: str,
    position: int,
    rows: Iterable[Sequence[str]],
    *,
    known: Container[str],
    is_chosen: bool,
) -> Question:
    """Return the question of a column; of a chosen one all answers may be learned.

    `known`: the folded answers of the vocabulary.
    """
    cells = [cell for row in rows if (cell := row[position].strip())]
    question = Question(heading, position, _separator(cells))
    if is_chosen:
        return question
    if ABOUT_PERSON.search(fold(heading)):
        return replace(question, is_personal=True, not_learned="they are about the person")
    answers = [question.answers(cell) for cell in cells]
    is_known = [fold(text) in known for texts in answers for text in texts]
    if sum(is_known) < MIN_KNOWN_SHARE * len(is_known):
        return replace(question, not_learned="few or none are known interests")
    if sum(len(texts) > 1 for texts in answers) < MIN_SEVERAL_SHARE * len(cells):
        return replace(question, not_learned="they exclude each other")
    return question


def _separator(cells: Sequence[str]) -> str:
    """Return the semicolon if the form wrote it between answers, whose text may have commas."""
    semicolons = sum(";" in cell for cell in cells)
    commas = sum("," in cell and ";" not in cell for cell in cells)
    return ";" if semicolons and semicolons >= commas else ","
