"""The figures of a hook."""

from __future__ import annotations

from crm_kernel.meter import KEPT, Meter


def test_a_new_meter_is_all_noughts() -> None:
    assert Meter().render() == {"calls": 0, "errors": 0, "p50_us": 0, "p95_us": 0, "statements": 0, "waits": 0}


def test_percentiles_are_of_the_last_calls() -> None:
    meter = Meter()
    meter.add(9.0, statements=4)
    for number in range(KEPT):
        meter.add((number % 100 + 1) / 1_000_000)
    figures = meter.render()
    assert (figures["calls"], figures["statements"]) == (KEPT + 1, 4)
    assert abs(figures["p50_us"] - 50) <= 2
    assert abs(figures["p95_us"] - 95) <= 2
