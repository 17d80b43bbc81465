"""Questions that analysts ask, each a file of SQL: a title, a paragraph, a query over the views."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.infra.database import Database

PLACE = Path(__file__).with_name("questions")
# Compiling takes longer than what it saves here; analysts' roles have it off too.
WITHOUT_COMPILING = text("SET LOCAL jit = off")


class UnknownQuestion(Exception):
    """No file of this name."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question: `title` asks it, `about` says how the answer is to be read, `sql` answers it."""

    name: str
    title: str
    about: str
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows under their columns' names."""

    columns: list[str]
    rows: list[list[Any]]


def questions() -> list[Question]:
    """All of them, by name."""
    return [_read(file) for file in sorted(PLACE.glob("*.sql"))]


def question(name: str) -> Question:
    """One of them.

    Raises UnknownQuestion.
    """
    for asked in questions():
        if asked.name == name:
            return asked
    raise UnknownQuestion(name)


def answer(database: Database, asked: Question) -> Answer:
    """What the database says now.

    Raises DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.execute(WITHOUT_COMPILING)
        found = connection.exec_driver_sql(asked.sql)
        return Answer(list(found.keys()), [[_plain(cell) for cell in row] for row in found])


def _plain(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else cell


def _read(file: Path) -> Question:
    """The comment before the query: its first line is the title, what follows the paragraph."""
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next(n for n, line in enumerate(lines) if not line.startswith("--"))
    told = [line.removeprefix("--").strip() for line in lines[:count]]
    return Question(
        file.stem, told[0], " ".join(filter(None, told[1:])), "\n".join(lines[count:]).strip()
    )
