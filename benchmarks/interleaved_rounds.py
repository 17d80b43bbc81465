"""Interleaved rounds of several variants, and confidence intervals of their ratios.

The noise of a machine comes in waves longer than a round. So each round loads every variant once,
in random order, and only ratios within a round count; their median is the result. The resolution of
the method is measured along with it: two identical baselines take part, and rounds go on until the
95 % interval of the median of *their* ratio is at most `RESOLUTION` wide.
"""

import random
import statistics
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.variants import Variant

RESOLUTION = 0.05
MIN_ROUNDS, MAX_ROUNDS = 7, 40
RESAMPLES = 2000


@dataclass
class Rates:
    """What was measured of each variant, by round; a rate is in responses a second.

    `by_name` holds the measurements that `Variant.load` returns; `quantity` is one of their names.
    """

    by_name: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def values(self, name: str, quantity: str = "rate") -> list[float]:
        return [measured[quantity] for measured in self.by_name[name]]

    def ratios(self, name: str, reference: str, quantity: str = "rate") -> list[float]:
        pairs = zip(self.values(name, quantity), self.values(reference, quantity), strict=True)
        return [value / reference_value for value, reference_value in pairs]

    def median(self, name: str, reference: str, quantity: str = "rate") -> float:
        return statistics.median(self.ratios(name, reference, quantity))

    def interval(self, name: str, reference: str, quantity: str = "rate") -> tuple[float, float]:
        """Return the 95 % interval of the median ratio, by bootstrap over rounds (Efron, 1979)."""
        ratios = np.array(self.ratios(name, reference, quantity))
        samples = np.random.default_rng(1).choice(ratios, (RESAMPLES, len(ratios)))
        low, high = np.percentile(np.median(samples, axis=1), [2.5, 97.5])
        return float(low), float(high)

    def is_precise(self, control: tuple[str, str]) -> bool:
        low, high = self.interval(*control)
        return high - low <= RESOLUTION


def run_rounds(
    variants: list[Variant],
    route: str,
    connections: int,
    control: tuple[str, str],
    *,
    seconds: float = 1.0,
    max_rounds: int = MAX_ROUNDS,
) -> Rates:
    """Load each variant for `seconds` a round, until the two of `control` are precise enough."""
    rates = Rates({variant.name: [] for variant in variants})
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{route}, {connections} connections", total=max_rounds)
        for variant in variants:  # warm-up of caches, plans and bytecode
            variant.load(route, connections, seconds)
        for number in range(max_rounds):
            for variant in random.sample(variants, len(variants)):
                rates.by_name[variant.name].append(variant.load(route, connections, seconds))
            progress.advance(task)
            if number + 1 >= MIN_ROUNDS and rates.is_precise(control):
                break
    return rates
