"""Durations are counted in buckets of powers of two."""

from __future__ import annotations

from maasha.rpc.wire.metrics import Metrics, Series


def test_a_quantile_is_an_upper_bound() -> None:
    """At most twice the true value."""
    series = Series()
    for microseconds in range(1, 101):
        series.add(microseconds / 1e6)
    assert series.count == 100
    assert 50e-6 <= series.quantile(0.5) <= 100e-6
    assert 99e-6 <= series.quantile(0.99) <= 200e-6
    assert round(series.seconds, 6) == 0.00505


def test_very_long_durations_are_in_the_last_bucket() -> None:
    """Nothing is lost."""
    series = Series()
    series.add(1e9, 3)
    assert (series.count, series.counts[-1]) == (3, 3)
    assert series.quantile(1.0) > 1000
    assert series.quantile(2.0) > 1000


def test_detours_are_summed() -> None:
    """Of calls, answers and requests."""
    assert Metrics(call_detours=1, answer_detours=2, request_detours=4).detours == 7
