"""A row of what is measured: its value, the goal, and whether it is met."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One goal. `spread`: how far the value swung within the run, or what else to know of it."""

    name: str
    told: str
    value: float
    goal: float
    unit: str
    at_least: bool = True
    spread: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def document(self) -> dict[str, object]:
        return {"value": self.value, "goal": self.goal, "met": self.met, "unit": self.unit}
