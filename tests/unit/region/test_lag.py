"""The lag of the reactor is looked at once a second."""

from __future__ import annotations

from twisted.internet.task import Clock

from maasha.region.lag import INTERVAL, Lag


def test_a_punctual_reactor_has_no_lag() -> None:
    """It is counted all the same."""
    clock = Clock()
    lag = Lag(clock)
    lag.startService()
    clock.pump([INTERVAL] * 3)
    assert (lag.series.count, lag.series.seconds) == (3, 0.0)


def test_a_pause_is_counted_once_and_as_long_as_it_was() -> None:
    """The looks that were missed are not made up for."""
    clock = Clock()
    lag = Lag(clock)
    lag.startService()
    clock.advance(INTERVAL + 2.5)
    clock.advance(INTERVAL)
    assert (lag.series.count, lag.series.seconds) == (2, 2.5)


def test_it_ends() -> None:
    """Nothing is left to happen; ending twice is no harm."""
    clock = Clock()
    lag = Lag(clock)
    lag.startService()
    lag.stopService()
    lag.stopService()
    assert clock.getDelayedCalls() == []
