"""The questions of a form: how their answers are separated, and which new ones may be learned."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model.interests import fold

# Of fewer filled cells with several answers, the answers exclude each other: a gender, an age.
MIN_SEVERAL_SHARE = 0.1
# Words in the heading of a column about the person, whose answers may be of several parts: a city.
ABOUT_PERSON = re.compile(
    r"\b(?:e?mail|correo|name|nombre|surname|apellidos?|username|usuario|phone|telefono|movil|gender"
    r"|genero|sexo?|age|edad|birth|nacimiento|address|direccion|city|ciudad|town|localidad|municipio"
    r"|provincia|country|pais)\b"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A column of answers. `not_learned`: why no interest is learned from it, empty if one may."""

    heading: str
    position: int
    separator: str
    not_learned: str

    def answers(self, cell: str) -> list[str]:
        """Return the answers of a cell."""
        # A person may separate their own words otherwise.
        separator = self.separator if self.separator in cell else ";"
        return [answer.strip() for answer in cell.split(separator) if answer.strip()]


def find_question(
    heading: str, position: int, rows: Iterable[Sequence[str]], is_chosen: bool
) -> Question:
    """Return the question of a column; of a chosen one all answers may be learned."""
    cells = [cell for row in rows if (cell := row[position].strip())]
    separator = _separator(cells)
    question = Question(heading, position, separator, "")
    if is_chosen:
        return question
    several = sum(len(question.answers(cell)) > 1 for cell in cells)
    reason = ""
    if ABOUT_PERSON.search(fold(heading)):
        reason = "they are about the person"
    elif several < MIN_SEVERAL_SHARE * len(cells):
        reason = "they exclude each other"
    return Question(heading, position, separator, reason)


def _separator(cells: Sequence[str]) -> str:
    """Return the semicolon if the form wrote it between answers, whose text may have commas."""
    semicolons = sum(";" in cell for cell in cells)
    commas = sum("," in cell and ";" not in cell for cell in cells)
    return ";" if semicolons and semicolons >= commas else ","
