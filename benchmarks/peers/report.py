"""The results of `make bench-peers` as tables, JSON and goals."""

import math
import statistics
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.interleaved_rounds import Rates
from benchmarks.peers.arrivals import Arrivals, percentiles
from benchmarks.peers.servers import LABELS, OURS, PINNED, SHIPPED, Layout
from benchmarks.rows import Row

LAYOUTS = (SHIPPED, PINNED)
QUANTITIES = ("rate", "p50", "p99", "service_cpu", "database_cpu")
# Joins a second of the service to those of a peer, by the number of connections.
RATE_GOALS = {
    "fastapi": {8: 1.0, 32: 1.15},
    "flask": {8: 3.0, 32: 5.5},
    "fastify": {8: 0.5, 32: 0.65},
}
LAYOUT_GOAL = 0.95
CPU_GOAL = 1.0
TAIL_GOAL, TAIL_SHARE = 0.7, 0.5


@dataclass
class Results:
    """What was measured; `servers`: the service and the peers with a port."""

    servers: list[str]
    closed: dict[int, Rates]
    arrivals: dict[float, Arrivals] = field(default_factory=dict)
    memory_kib: dict[str, int] = field(default_factory=dict)
    starts_s: dict[str, list[float]] = field(default_factory=dict)


def variant_name(server: str, layout: Layout) -> str:
    return f"{server}, {layout.name}"


def goals(results: Results) -> list[Row]:
    """Return the rows of all goals whose peers were measured."""
    rows = []
    for connections, rates in results.closed.items():
        for layout in LAYOUTS:
            ours = variant_name(OURS, layout)
            where = f"{connections} connections, {layout.name}"
            for peer in results.servers[1:]:
                theirs, goal = variant_name(peer, layout), RATE_GOALS[peer][connections]
                label = f"joins/s to {LABELS[peer]}, {where}"
                rows.append(row(f"{peer}_{where}", label, rates, (ours, theirs), goal))
            if "fastapi" in results.servers:
                pair = (ours, variant_name("fastapi", layout))
                label = f"service CPU of a join to FastAPI's, {where}"
                rows.append(row(f"cpu_{where}", label, rates, pair, CPU_GOAL, "service_cpu"))
        pair = (variant_name(OURS, SHIPPED), variant_name(OURS, PINNED))
        label = f"joins/s as shipped to pinned, {connections} connections"
        rows.append(row(f"layout_{connections}", label, rates, pair, LAYOUT_GOAL))
    if "fastapi" in results.servers and results.arrivals:
        rates = results.arrivals[TAIL_SHARE].rates
        pair = (variant_name(OURS, SHIPPED), variant_name("fastapi", SHIPPED))
        label = f"p99 to FastAPI's at {TAIL_SHARE:.0%} of capacity"
        rows.append(row("arrivals_p99", label, rates, pair, TAIL_GOAL, "p99"))
    return rows


def row(
    name: str, label: str, rates: Rates, pair: tuple[str, str], goal: float, quantity: str = "rate"
) -> Row:
    """Return the row of a ratio; more is better for rates alone."""
    low, high = rates.interval(*pair, quantity)
    value, at_least = rates.median(*pair, quantity), quantity == "rate"
    key = name.replace(", ", "_").replace(" ", "_")
    return Row(key, label, value, goal, "ratio", at_least, f"{low:.3f} to {high:.3f}")


def show_results(results: Results) -> None:
    """Print the tables."""
    console = Console(width=140)
    for connections, rates in results.closed.items():
        console.print(closed_table(connections, rates), "")
    console.print(arrivals_table(results), "")
    console.print(footprint_table(results), "")


def closed_table(connections: int, rates: Rates) -> Table:
    """Return the table of a number of connections: medians, and ratios to the service's rate."""
    title = f"POST /rooms of new users, {connections} connections"
    columns = ("joins/s", "to ours (95 %)", "p50 ms", "p99 ms", "service CPU s", "database CPU s")
    table = new_table(title, "", *columns, caption="CPU: of 1,000 joins")
    for name in rates.by_name:
        low, high = rates.interval(name, reference := reference_of(name))
        rate, p50, p99, service, database = (
            statistics.median(rates.values(name, quantity)) for quantity in QUANTITIES
        )
        ratio = f"{rates.median(name, reference):.2f} ({low:.2f} to {high:.2f})"
        tail = "" if math.isnan(p99) else f"{p99 * 1000:.1f}"
        cpu = (f"{service:.2f}" if service else "", f"{database:.2f}")
        table.add_row(label_of(name), f"{rate:,.0f}", ratio, f"{p50 * 1000:.1f}", tail, *cpu)
    return table


def reference_of(name: str) -> str:
    """Return the service's name in the same layout; a server without one is compared as pinned."""
    layout = SHIPPED if name.endswith(SHIPPED.name) else PINNED
    return variant_name(OURS, layout)


def label_of(name: str) -> str:
    server, _, layout = name.partition(", ")
    return ", ".join(filter(None, (LABELS.get(server, server), layout)))


def arrivals_table(results: Results) -> Table:
    """Return the table of latencies at fixed rates; each round's requests count together."""
    title = "The same at random arrivals, as shipped"
    columns = ("share", "joins/s", "", "p50 ms", "p99 ms", "p99.9 ms", "failed", "load late ms")
    table = new_table(title, *columns)
    for share, arrivals in results.arrivals.items():
        for name in (variant_name(server, SHIPPED) for server in results.servers):
            latencies_s = arrivals.latencies_s[name]
            times = (f"{value * 1000:,.1f}" for value in percentiles(latencies_s).values())
            failed, late = str(arrivals.failures[name]), f"{arrivals.lag_s * 1000:.1f}"
            rate = f"{arrivals.rate:,.0f}"
            table.add_row(f"{share:.0%}", rate, label_of(name), *times, failed, late)
    return table


def footprint_table(results: Results) -> Table:
    """Return the table of memory and start-up times."""
    table = new_table("Two workers, as shipped", "", "memory MB", "start to first join s")
    for name in results.servers:
        start = statistics.median(results.starts_s[name])
        table.add_row(LABELS[name], f"{results.memory_kib[name] / 1024:.0f}", f"{start:.2f}")
    return table


def new_table(title: str, *columns: str, caption: str | None = None) -> Table:
    table = Table(title=title, box=None, title_justify="left", caption=caption)
    for column in columns:
        table.add_column(column, justify="left" if column in ("", "share") else "right")
    return table


def document(results: Results) -> dict[str, Any]:
    """Return the results for JSON: medians; times in seconds, memory in KiB."""
    closed = {
        str(connections): {
            name: {quantity: known(rates.values(name, quantity)) for quantity in QUANTITIES}
            | {"to_ours": [rates.median(name, ours), *rates.interval(name, ours)]}
            for name in rates.by_name
            if (ours := reference_of(name))
        }
        for connections, rates in results.closed.items()
    }
    arrivals = {
        f"{share:g}": {"rate": measured.rate, "load_late_s": measured.lag_s}
        | {
            name: percentiles(latencies_s) | {"failed": measured.failures[name]}
            for name, latencies_s in measured.latencies_s.items()
        }
        for share, measured in results.arrivals.items()
    }
    starts = {name: statistics.median(times) for name, times in results.starts_s.items()}
    return {
        "connections": closed,
        "arrivals": arrivals,
        "memory_kib": results.memory_kib,
        "start_s": starts,
    }


def known(values: list[float]) -> float | None:
    median = statistics.median(values)
    return None if math.isnan(median) else median
