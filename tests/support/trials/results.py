"""What a fault under load did to the joins, and the table of all trials."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

# No request may stay unanswered for longer, in any fault.
MAX_WAIT_S = 10.0


@dataclass(frozen=True)
class TrialResult:
    """The effect of one fault.

    `failed`: responses that a client must not retry, and requests given up without a response.
    `refused`: responses of 503 with Retry-After. `reset`: connections that ended before the whole
    response. `longest_wait_s`: the longest that a join had no answer; `livez_s`: the same of
    GET /livez. `recovery_s`: from the end of the fault until every client has received a 2xx.
    """

    name: str
    acknowledged: int
    lost: int
    failed: int
    refused: int
    reset: int
    longest_wait_s: float
    livez_s: float
    recovery_s: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.acknowledged:,} acknowledged, {self.lost} lost, "
            f"longest wait {self.longest_wait_s:.2f} s, recovered in {self.recovery_s:.2f} s"
        )

    def plus(self, other: "TrialResult") -> "TrialResult":
        """Return the result of both trials of one fault: sums of counts, maxima of times."""
        return TrialResult(
            self.name,
            self.acknowledged + other.acknowledged,
            self.lost + other.lost,
            self.failed + other.failed,
            self.refused + other.refused,
            self.reset + other.reset,
            max(self.longest_wait_s, other.longest_wait_s),
            max(self.livez_s, other.livez_s),
            max(self.recovery_s, other.recovery_s),
        )

    def check(self) -> None:
        """Assert what must hold in every fault."""
        assert self.lost == 0, self
        assert self.failed == 0, self
        assert self.longest_wait_s <= MAX_WAIT_S, self
        assert self.livez_s <= MAX_WAIT_S, self
        assert math.isfinite(self.recovery_s), self


def print_table(results: Iterable[TrialResult]) -> None:
    """Print a row for each fault."""
    rows: dict[str, TrialResult] = {}
    for result in results:
        rows[result.name] = rows[result.name].plus(result) if result.name in rows else result
    table = Table("fault", box=None, header_style="bold", pad_edge=False)
    for column in ("acknowledged", "lost", "failed", "503", "reset"):
        table.add_column(column, justify="right")
    for column in ("longest wait", "/livez", "recovery"):
        table.add_column(column, justify="right")
    for row in rows.values():
        counts = (row.acknowledged, row.lost, row.failed, row.refused, row.reset)
        times = (row.longest_wait_s, row.livez_s, row.recovery_s)
        table.add_row(row.name, *(f"{n:,}" for n in counts), *(f"{s:.2f} s" for s in times))
    Console(width=120, highlight=False).print(table)
