"""The pause before the next attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.db.backoff import Backoff


@given(failures=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_bounds(failures: int, jitter: float) -> None:
    """Whatever failed how often, the pause is from 50 to 500 ms."""
    assert 0.05 <= Backoff().delay(failures, jitter) <= 0.5


def test_grows() -> None:
    """It grows with each failure until it is the longest."""
    delays = [Backoff().delay(failures, 0.5) for failures in range(8)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.05, 0.5)


def test_spread() -> None:
    """Jitter spreads it around its middle."""
    low, high = Backoff().delay(3, 0.0), Backoff().delay(3, 1.0)
    assert low < Backoff().delay(3, 0.5) < high
