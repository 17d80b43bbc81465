"""Latencies at a given rate of arrivals, the same for each server."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.interleaved_rounds import Rates
from benchmarks.peers.variants import WARM_UP_S
from benchmarks.variants import Variant

# Of what the service, as it ships, can do at 32 connections.
SHARES = (0.1, 0.5, 0.8)
CONNECTIONS = 64
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p999": 99.9}


@dataclass
class Arrivals:
    """What was measured at one rate, in joins a second; the dicts are by server.

    `rates` has each round's percentiles, for ratios. `failures`: requests that were refused, or not
    answered within seconds. `lag_s`: by how many seconds the load itself was late, at most.
    """

    rate: float
    rates: Rates = field(default_factory=Rates)
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    lag_s: float = 0.0

    def add(self, name: str, measured: dict[str, Any]) -> None:
        """Add a round of a server."""
        self.rates.by_name.setdefault(name, []).append(percentiles(measured["latencies"]))
        self.latencies_s.setdefault(name, []).extend(measured["latencies"])
        self.failures[name] += measured["refused"] + measured["unanswered"]
        self.lag_s = max(self.lag_s, measured["lag_p99"])


def percentiles(latencies_s: list[float]) -> dict[str, float]:
    values = np.percentile(latencies_s, list(PERCENTILES.values()))
    return dict(zip(PERCENTILES, values.tolist(), strict=True))


def run_arrivals(
    variants: list[Variant], capacity: float, rounds: int, seconds: float
) -> dict[float, Arrivals]:
    """Load each variant for `seconds` a round, in random order; return the results by share."""
    results = {share: Arrivals(share * capacity) for share in SHARES}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("arrivals", total=rounds * len(SHARES))
        for _ in range(rounds):
            for arrivals in random.sample(list(results.values()), len(results)):
                for variant in random.sample(variants, len(variants)):
                    # The service closes database connections that are idle for long.
                    variant.run("benchmarks.load", "/rooms", CONNECTIONS, WARM_UP_S)
                    options = ("/rooms", CONNECTIONS, seconds, arrivals.rate)
                    arrivals.add(variant.name, variant.run("benchmarks.open_loop", *options))
                progress.advance(task)
    return results
