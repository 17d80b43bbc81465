"""A measured goal: a row of the benchmarks' table."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """A value and its goal. `note`: the spread of the value within the run, or other details."""

    name: str
    label: str
    value: float
    goal: float
    unit: str
    at_least: bool = True
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def document(self) -> dict[str, object]:
        """Return the row for JSON."""
        return {"value": self.value, "goal": self.goal, "met": self.is_met, "unit": self.unit}


def show(rows: list[Row]) -> None:
    """Print the rows as a table."""
    table = Table("", "value", "goal", "met", "note", box=None)
    for row in rows:
        sign, met = "≥" if row.at_least else "≤", "yes" if row.is_met else "no"
        value = f"{row.value:.3f}".rstrip("0").rstrip(".")
        table.add_row(row.label, value, f"{sign} {row.goal:g} {row.unit}", met, row.note)
    Console(width=160).print(table)
