"""Records each command that changes something as a row of admin_runs."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy
from psycopg2.extras import Json

from app.infra.database import Database

INSERT = """
    INSERT INTO admin_runs (command, arguments, by)
    VALUES (%(command)s, %(arguments)s, %(by)s) RETURNING id
"""
FINISH = """
    UPDATE admin_runs SET finished_at = now(), counts = %(counts)s, status = %(status)s
    WHERE id = %(id)s
"""
UPDATE_COUNTS = "UPDATE admin_runs SET counts = %(counts)s WHERE id = %(id)s"
SELECT = """
    SELECT id, command, arguments, by, started_at, finished_at, counts, status FROM admin_runs
"""


class UnknownRun(Exception):
    """No run has this id."""


@dataclass(slots=True)
class Run:
    """A running command; its counts are stored when the command ends."""

    id: int
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def add_counts(
        self, connection: sqlalchemy.Connection, counts: Mapping[str, int]
    ) -> dict[str, int]:
        """Add counts to the stored row, inside the transaction that does the counted work.

        The row is then right even if the command is killed. Returns the sums, which become the
        run's counts once the transaction is committed.
        """
        sums = self.counts | {
            name: self.counts.get(name, 0) + number for name, number in counts.items()
        }
        connection.exec_driver_sql(UPDATE_COUNTS, {"counts": Json(sums), "id": self.id})
        return sums


@contextmanager
def record_run(database: Database, command: str, arguments: dict[str, Any]) -> Iterator[Run]:
    """Record a command: who ran it, its arguments (without user ids), and how it ended.

    Raises DatabaseUnavailable, and every error of the command.
    """
    (row,) = database.execute(
        INSERT, {"command": command, "arguments": Json(arguments), "by": _user_name()}
    )
    run, status = Run(row.id), "failed"
    try:
        yield run
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        database.execute(FINISH, {"id": run.id, "counts": Json(run.counts), "status": status})


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A row of admin_runs."""

    id: int
    command: str
    arguments: dict[str, Any]
    by: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    status: str


def latest(database: Database, limit: int) -> list[RunRecord]:
    """Return the latest runs, newest first. Raises DatabaseUnavailable."""
    rows = database.execute(f"{SELECT} ORDER BY id DESC LIMIT %(limit)s", {"limit": limit})
    return [RunRecord(**row._asdict()) for row in rows]


def show(database: Database, run_id: int) -> RunRecord:
    """Return the run with an id. Raises UnknownRun, DatabaseUnavailable."""
    rows = database.execute(f"{SELECT} WHERE id = %(id)s", {"id": run_id})
    if not rows:
        raise UnknownRun(run_id)
    return RunRecord(**rows[0]._asdict())
