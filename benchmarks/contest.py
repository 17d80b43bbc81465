"""Interleaved rounds of several sides, and what their ratios are worth.

Machines are noisy, and noise comes in waves longer than a round. So each round asks every side
once, in an order drawn anew, and only ratios within a round are looked at; their median is the
value. What the method can see is measured with it: two identical floors take part, and rounds go on
until the 95 % interval of the median of *their* ratio is within `RESOLUTION` of itself.
"""

import random
import statistics
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.sides import Side

RESOLUTION = 0.05
FEWEST, MOST = 7, 40
RESAMPLES = 2000


@dataclass
class Contest:
    """What was measured: answers a second of each side, round by round."""

    rates: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, name: str, against: str) -> list[float]:
        pairs = zip(self.rates[name], self.rates[against], strict=True)
        return [mine / theirs for mine, theirs in pairs]

    def median(self, name: str, against: str) -> float:
        return statistics.median(self.ratios(name, against))

    def interval(self, name: str, against: str) -> tuple[float, float]:
        """The 95 % interval of the median ratio, by bootstrap over rounds (Efron, 1979)."""
        ratios = np.array(self.ratios(name, against))
        drawn = np.random.default_rng(1).choice(ratios, (RESAMPLES, len(ratios)))
        low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
        return float(low), float(high)

    def is_fine_enough(self, control: tuple[str, str]) -> bool:
        low, high = self.interval(*control)
        return high - low <= RESOLUTION


def compete(
    sides: list[Side],
    route: str,
    connections: int,
    control: tuple[str, str],
    *,
    seconds: float = 1.0,
    most: int = MOST,
) -> Contest:
    """Rounds of `seconds` a side until the control is fine enough, `most` at the most."""
    contest = Contest()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{route}, {connections} connections", total=most)
        for side in sides:  # warmed: caches, plans, bytecode
            side.ask(route, connections, seconds)
        for number in range(most):
            for side in random.sample(sides, len(sides)):
                rate = side.ask(route, connections, seconds)["rate"]
                contest.rates.setdefault(side.name, []).append(rate)
            progress.advance(task)
            if number + 1 >= FEWEST and contest.is_fine_enough(control):
                break
    return contest
