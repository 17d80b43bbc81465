"""The goals of `make bench-peers`, and what is said of a peer that was not measured."""

from typing import Any

import pytest

from benchmarks.interleaved_rounds import Rates
from benchmarks.peers import report
from benchmarks.peers.arrivals import Arrivals
from benchmarks.peers.report import LAYOUTS, Results, goals, variant_name
from benchmarks.peers.servers import COMMANDS, OURS, SHIPPED


def measured(rate: float, cpu: float) -> list[dict[str, float]]:
    """Return two equal rounds of a variant."""
    return [dict.fromkeys(report.QUANTITIES, 0.01) | {"rate": rate, "service_cpu": cpu}] * 2


def results(rates: dict[str, float], **others: Any) -> Results:
    """Return results in which each server has one rate and a processor time that fits it."""
    by_name = {
        variant_name(server, layout): measured(rate, 1 / rate)
        for server, rate in rates.items()
        for layout in LAYOUTS
    }
    arrivals = Arrivals(500.0)
    for server, rate in rates.items():
        latencies = {"latencies": [10 / rate] * 100, "refused": 0, "unanswered": 1, "lag_p99": 0.0}
        arrivals.add(variant_name(server, SHIPPED), latencies)
    closed = {connections: Rates(by_name) for connections in (8, 32)}
    return Results(
        list(rates),
        closed,
        {report.TAIL_SHARE: arrivals},
        dict.fromkeys(rates, 1024),
        dict.fromkeys(rates, [0.5]),
    )


def test_goals_are_met_by_a_service_that_is_six_times_as_fast_as_its_peers() -> None:
    rows = goals(results({OURS: 6000.0} | dict.fromkeys(COMMANDS, 1000.0)))
    assert {row.name: row.is_met for row in rows} == dict.fromkeys((row.name for row in rows), True)
    assert len(rows) == 2 * (2 * 4 + 1) + 1


def test_goals_are_missed_by_a_service_that_is_half_as_fast() -> None:
    rows = goals(results({OURS: 400.0} | dict.fromkeys(COMMANDS, 1000.0)))
    assert {row.name for row in rows if row.is_met} == {"layout_8", "layout_32"}


def test_a_peer_that_was_not_measured_has_no_goals(capsys: pytest.CaptureFixture[str]) -> None:
    only_flask = results({OURS: 6000.0, "flask": 1000.0})
    names = {row.name for row in goals(only_flask)}
    assert names == {"layout_8", "layout_32"} | {
        f"flask_{connections}_connections_{layout.name}"
        for connections in (8, 32)
        for layout in LAYOUTS
    }
    report.show_results(only_flask)
    assert "FastAPI" not in capsys.readouterr().out
    assert set(report.document(only_flask)["connections"]["8"]) == {
        variant_name(server, layout) for server in (OURS, "flask") for layout in LAYOUTS
    }
