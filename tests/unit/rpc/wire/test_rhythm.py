"""Heartbeats are called together, each once in a period."""

from __future__ import annotations

from twisted.internet.task import Clock

from maasha.rpc.wire.rhythm import Rhythm
from tests.unit.rpc.parts import Listener


def test_every_member_beats_once_in_a_period() -> None:
    """Wherever in the period it joined."""
    clock, beats = Clock(), list[tuple[str, float]]()
    rhythm = Rhythm(clock, 1.0)
    rhythm.join(lambda: beats.append(("early", round(clock.seconds(), 2))))
    clock.pump([0.05] * 10)
    rhythm.join(lambda: beats.append(("late", round(clock.seconds(), 2))))
    clock.pump([0.05] * 31)
    assert beats == [("early", 1.0), ("late", 1.5), ("early", 2.0)]


def test_after_a_pause_what_came_in_goes_first() -> None:
    """One beat follows it, and the next comes a period later."""
    clock, seen = Clock(), list[str]()
    rhythm = Rhythm(clock, 1.0)
    rhythm.join(lambda: seen.append("beat"))
    clock.callLater(5.0, seen.append, "arrived")
    clock.advance(10.0)
    assert seen == ["arrived", "beat"]
    clock.advance(0.9)
    assert len(seen) == 2
    clock.advance(0.2)
    assert seen == ["arrived", "beat", "beat"]


def test_who_leaves_is_not_called_and_the_last_ends_the_timer() -> None:
    """Leaving twice does no harm."""
    clock, beats = Clock(), list[str]()
    rhythm = Rhythm(clock, 1.0)

    def one() -> None:
        beats.append("one")

    def other() -> None:
        beats.append("other")
        rhythm.leave(one)

    rhythm.join(other)
    rhythm.join(one)
    clock.pump([0.05] * 45)
    assert beats == ["other", "one", "other"]
    rhythm.leave(one)
    rhythm.leave(other)
    assert not clock.getDelayedCalls()


def test_a_beat_that_fails_is_logged_and_called_again(logged: Listener) -> None:
    """The others beat on."""
    clock, beats = Clock(), list[str]()
    rhythm = Rhythm(clock, 1.0)
    rhythm.join(lambda: beats.append(str(1 // 0)))
    rhythm.join(lambda: beats.append("well"))
    clock.pump([0.05] * 45)
    assert beats == ["well", "well"]
    assert len(logged.failures) == 2
