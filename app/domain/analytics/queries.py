"""Analysts' questions, each an SQL file: a title, a paragraph and a query over the views."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.infra.database import Database

DIRECTORY = Path(__file__).with_name("questions")
# Compiling takes longer than it saves for these queries; analysts' roles also disable it.
DISABLE_JIT = "SET LOCAL jit = off"


class UnknownQuestion(Exception):
    """No file has this name."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question (`title`), how to read its result (`about`), and its query (`sql`).

    The query has no semicolon at its end, so that it can be pasted into a subquery.
    """

    name: str
    title: str
    about: str
    sql: str


@dataclass(frozen=True, slots=True)
class Result:
    """A query's columns and rows."""

    columns: list[str]
    rows: list[list[Any]]


def questions() -> list[Question]:
    """Return all questions, ordered by name."""
    return [_read(file) for file in sorted(DIRECTORY.glob("*.sql"))]


def find_question(name: str) -> Question:
    """Return the question with this name. Raises UnknownQuestion."""
    for question in questions():
        if question.name == name:
            return question
    raise UnknownQuestion(name)


def run(database: Database, question: Question) -> Result:
    """Return the result of a question's query. Raises DatabaseUnavailable."""
    with database.transaction() as connection:
        connection.exec_driver_sql(DISABLE_JIT)
        result = connection.exec_driver_sql(question.sql)
        return Result(list(result.keys()), [[_plain(cell) for cell in row] for row in result])


def _plain(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else cell


def _read(file: Path) -> Question:
    """Parse a file: the first comment line is the title, the other comment lines the paragraph."""
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next(n for n, line in enumerate(lines) if not line.startswith("--"))
    title, *about = [line.removeprefix("--").strip() for line in lines[:count]]
    query = "\n".join(lines[count:]).strip().removesuffix(";")
    return Question(file.stem, title, " ".join(filter(None, about)), query)
