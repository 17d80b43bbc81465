"""Leaves an admin_runs row for every command that changes something."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg2.extras import Json

from app.db import Database

BEGIN = """
    INSERT INTO admin_runs (command, arguments, by)
    VALUES (%(command)s, %(arguments)s, %(by)s) RETURNING id
"""
END = """
    UPDATE admin_runs SET finished_at = now(), counts = %(counts)s, status = %(status)s
    WHERE id = %(id)s
"""


@dataclass(slots=True)
class Run:
    """A command under way; what it counts stands in the row afterwards."""

    id: int
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


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
