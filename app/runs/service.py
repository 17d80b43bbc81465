"""Leaves an admin_runs row for every command that changes something."""

import getpass
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy
from psycopg2.extras import Json
from sqlalchemy import text

from app.db import Database

BEGIN = """
    INSERT INTO admin_runs (command, arguments, by)
    VALUES (%(command)s, %(arguments)s, %(by)s) RETURNING id
"""
END = """
    UPDATE admin_runs SET finished_at = now(), counts = %(counts)s, status = %(status)s
    WHERE id = %(id)s
"""
NOTE = text("UPDATE admin_runs SET counts = CAST(:counts AS jsonb) WHERE id = :id")
SELECT = """
    SELECT id, command, arguments, by, started_at, finished_at, counts, status FROM admin_runs
"""


class UnknownRun(Exception):
    """No run has this id."""


@dataclass(slots=True)
class Run:
    """A command under way; what it counts stands in the row afterwards."""

    id: int
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def note(self, connection: sqlalchemy.Connection, counts: Mapping[str, int]) -> dict[str, int]:
        """Add counts in the row alone, in the transaction that does what they count; the sums.

        So the row tells the truth also of a run that was killed. Once the transaction is committed,
        the sums are the run's counts.
        """
        sums = self.counts | {
            name: self.counts.get(name, 0) + number for name, number in counts.items()
        }
        connection.execute(NOTE, {"counts": json.dumps(sums), "id": self.id})
        return sums


@contextmanager
def recorded(database: Database, command: str, arguments: dict[str, Any]) -> Iterator[Run]:
    """A row that says who ran what, and how it ended. `arguments` must hold no user's id.

    Raises DatabaseUnavailable, and whatever the command raises.
    """
    ((run_id,),) = database.execute(
        BEGIN, {"command": command, "arguments": Json(arguments), "by": _who()}
    )
    run, status = Run(run_id), "failed"
    try:
        yield run
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        database.execute(END, {"id": run.id, "counts": Json(run.counts), "status": status})


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A row of admin_runs."""

    id: int
    command: str
    arguments: dict[str, Any]
    by: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    status: str


def latest(database: Database, limit: int) -> list[FinishedRun]:
    """The latest runs, the newest first.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(f"{SELECT} ORDER BY id DESC LIMIT %(limit)s", {"limit": limit})
    return [FinishedRun(*row) for row in rows]


def show(database: Database, run_id: int) -> FinishedRun:
    """One run.

    Raises UnknownRun, DatabaseUnavailable.
    """
    rows = database.execute(f"{SELECT} WHERE id = %(id)s", {"id": run_id})
    if not rows:
        raise UnknownRun(run_id)
    return FinishedRun(*rows[0])
