"""From rounds to figures: ratios within a round, what is missing, and the fast path's share."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.rpc_figures import FORMULAS, Round, figures, systems


def shape(cps: float, cpu_us: float = 10.0, calls: int = 100) -> dict[str, float]:
    """Make what one phase measures."""
    return {"calls": calls, "cps": cps, "cpu_us": cpu_us, "p50_us": 1.0, "p99_us": 2.0}


def path(answered: int, served: int, detours: int) -> dict[str, int]:
    """Make what a run counts."""
    return {"answered": answered, "served": served, "detours": detours}


def off_the_fast_path(**counted: Any) -> float:
    """Give the share for one run of a system."""
    return FORMULAS["messages off the fast path, share"](
        {"maasha": {"s1": shape(1.0, calls=100), **counted}}
    )


def test_ratios_are_of_the_same_round() -> None:
    """A machine that is slow for a round is slow for both."""
    rounds: list[Round] = [
        {"maasha": {"s64": shape(600.0, 5.0)}, "stock": {"s64": shape(100.0, 20.0)}},
        {"maasha": {"s64": shape(80.0, 6.0)}, "stock": {"s64": shape(10.0, 12.0)}},
    ]
    found = figures(rounds)
    assert found["64 outstanding, calls/s"].values == (6.0, 8.0)
    assert found["64 outstanding, CPU"].values == (4.0, 2.0)


def test_a_round_without_one_of_the_two_gives_no_value() -> None:
    """Whatever broke is missing, not zero."""
    rounds: list[Round] = [
        {"maasha": {"s1": shape(2.0)}},
        {"stock": {"s1": shape(1.0)}},
        {"maasha": {"s1": shape(2.0)}, "stock": {"s1": shape(1.0)}},
        {},
    ]
    assert figures(rounds)["1 outstanding, calls/s"].values == (2.0,)
    assert figures(rounds)["1 outstanding, CPU"].median == 1.0


def test_every_figure_is_there_though_nothing_was_measured() -> None:
    """Without values."""
    found = figures([])
    assert set(found) == set(FORMULAS)
    assert all(figure.median is None for figure in found.values())


def test_a_class_on_the_fast_path_has_nothing_off_it() -> None:
    """100 calls are 100 answers and 100 requests."""
    assert off_the_fast_path(path=path(100, 100, 0)) == 0.0


def test_messages_beyond_the_calls_do_not_hide_detours() -> None:
    """Heartbeats and the handshake are on the fast path as well."""
    assert off_the_fast_path(path=path(150, 150, 3)) == pytest.approx(3 / 303)


def test_a_class_that_always_falls_back_is_wholly_off_the_fast_path() -> None:
    """Be it that it counts its detours, be it that it counts nothing."""
    assert off_the_fast_path(path=path(0, 0, 200)) == 1.0
    assert off_the_fast_path(path=path(0, 0, 0)) == 1.0


def test_half_a_fallback_is_seen_though_nobody_counts_it() -> None:
    """Calls whose answers were not seen on the fast path count as detours."""
    assert off_the_fast_path(path=path(0, 100, 0)) == 0.5


def test_a_run_that_counts_nothing_is_no_proof() -> None:
    """The share is 1 where no run tells its path."""
    assert off_the_fast_path() == 1.0


def test_a_crowd_is_compared_by_heartbeat() -> None:
    """The server that is too busy for all of them must not look cheap."""
    crowd = {"kib": 5.0, "cpu": 0.2}
    each: Round = {
        "maasha crowd": {**crowd, "us_per_beat": 10.0},
        "stock crowd": {**crowd, "us_per_beat": 40.0, "cpu": 0.6},
    }
    found = figures([each])
    assert found["5,000 connections, CPU of stock's"].values == (0.25,)
    assert found["5,000 connections, KiB each"].values == (5.0,)
    assert found["TLS: 5,000 connections, KiB each"].median is None


def test_the_table_of_systems_has_a_row_for_each_shape() -> None:
    """Over the rounds in which it was measured; what is no shape is left out."""
    rounds: list[Round] = [
        {"maasha": {"warm-up": shape(1.0), "s1": shape(100.0, 5.0), "path": path(1, 1, 0)}},
        {"maasha": {"warm-up": shape(1.0), "s1": shape(300.0, 7.0), "path": path(1, 1, 0)}},
        {},
    ]
    assert systems(rounds).splitlines() == [
        "| system | shape | calls/s | min | max | CPU us | p50 us | p99 us |",
        "| ------ | ----: | ------: | --: | --: | -----: | -----: | -----: |",
        "| maasha |    s1 |     200 | 100 | 300 |   6.00 |   1.00 |   2.00 |",
    ]
