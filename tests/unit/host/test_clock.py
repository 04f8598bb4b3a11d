"""Timers keep their pace whatever the date does."""

from __future__ import annotations

from time import monotonic

from twisted.internet.epollreactor import EPollReactor

from maasha.host.clock import steady


def test_timers_count_by_the_monotonic_clock() -> None:
    """A delayed call is due at an instant of the clock that nobody can set."""
    reactor = EPollReactor()
    steady(reactor)
    before = monotonic()
    call = reactor.callLater(5, lambda: None)
    assert before + 5 <= call.getTime() <= monotonic() + 5
    assert reactor.seconds() <= monotonic()
    reactor.disconnectAll()
