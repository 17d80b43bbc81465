"""Runs the functions of app.domain.moves for commands."""

from typing import Any

from app.cli.common import progress_bar


def run_move(
    command: str, reason: str, arguments: dict[str, Any], move: Any, *move_arguments: Any
) -> dict[str, int]:
    """Run `move`, one of the functions that move people, record it, and return its counts."""
    from app.domain.moves.relocation import Relocation
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    with record_run(database, command, arguments) as run, progress_bar() as progress:
        move(Relocation(database, run, reason, progress), *move_arguments)
    return {"people_moved": 0, "rooms_closed": 0} | run.counts


def format_counts(counts: dict[str, int]) -> str:
    """Return the counts of a run as text."""
    return f"{counts['people_moved']:,} people moved, {counts['rooms_closed']:,} rooms closed"
