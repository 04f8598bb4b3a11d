"""How many clients take up addresses, from few and irregular counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.pools import FEW, MEMORY, NO_FLOW, PATIENCE, Flow, since

SPANS = st.floats(0.0, 86_400.0)
NUMBERS = st.integers(0, 1000)


def test_a_counter_that_fell_began_anew() -> None:
    """What it says is all that has come since."""
    assert since(5, 9) == 4
    assert since(5, 5) == 0
    assert since(9, 2) == 2


def test_a_steady_stream_is_told_at_its_rate() -> None:
    """Ten a minute for six hours are 600 an hour, less what is taken as seen before the first."""
    flow = NO_FLOW
    for _ in range(6 * 60):
        flow = flow.later(60.0, 10, 0)
    assert flow.hourly == pytest.approx(600.0 * MEMORY / (MEMORY + PATIENCE), rel=0.05)


def test_few_arrivals_say_nothing() -> None:
    """A single client in the first second is no rush."""
    assert NO_FLOW.later(1.0, 1, 0).hourly == 0.0
    assert NO_FLOW.later(1.0, int(FEW), 0).hourly > 0.0


def test_what_comes_back_is_taken_off() -> None:
    """Where as many addresses come back as are taken up nothing is used up."""
    flow = NO_FLOW.later(3600.0, 50, 50)
    assert flow.hourly > 0.0
    assert flow.net_hourly == 0.0


def test_a_rush_is_forgotten() -> None:
    """Hours later it says nothing any more."""
    rush = NO_FLOW.later(60.0, 1000, 0)
    assert rush.hourly > 1000.0
    assert rush.later(8 * MEMORY, 0, 0).hourly == 0.0


def test_a_clock_that_was_set_back_counts_no_time() -> None:
    """A database that fails over may do that."""
    assert Flow(5.0, 1.0, 60.0).later(-10.0, 2, 1) == Flow(7.0, 2.0, 60.0)


@given(st.lists(st.tuples(SPANS, NUMBERS, NUMBERS), max_size=20))
def test_it_stays_within_what_was_seen(steps: list[tuple[float, int, int]]) -> None:
    """No decay makes more of anything than came, or a negative rate of arrivals."""
    flow = NO_FLOW
    for seconds, arrivals, returns in steps:
        flow = flow.later(seconds, arrivals, returns)
    assert 0.0 <= flow.arrivals <= sum(arrivals for _, arrivals, _ in steps) + 1e-6
    assert 0.0 <= flow.seconds <= sum(seconds for seconds, _, _ in steps) + 1e-6
    assert flow.hourly >= 0.0
    assert flow.net_hourly <= flow.hourly + 1e-9
