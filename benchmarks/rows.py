"""A measured goal: a row of the benchmarks' table."""

from dataclasses import dataclass


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
