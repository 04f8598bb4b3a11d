"""One timer looks after all connections."""

from __future__ import annotations

from twisted.internet.task import Clock

from maasha.rpc.wire.timekeeper import TICK, Timekeeper
from tests.unit.rpc.parts import Listener


class Sweeper:
    """Waits for so many looks."""

    def __init__(self, looks: int, broken: bool = False) -> None:
        self.looks = looks
        self.broken = broken
        self.seen: list[float] = []

    def sweep(self, now: float) -> bool:
        """Note the time."""
        self.seen.append(now)
        self.looks -= 1
        if self.broken:
            raise ZeroDivisionError
        return self.looks > 0


def test_it_looks_until_nothing_waits() -> None:
    """Then it sleeps, until it is woken."""
    clock = Clock()
    keeper = Timekeeper(clock, clock.seconds)
    sweepers = [Sweeper(1), Sweeper(3)]
    for sweeper in sweepers:
        keeper.watch(sweeper)
    clock.pump([TICK] * 9)
    assert [len(sweeper.seen) for sweeper in sweepers] == [1, 3]
    assert not clock.getDelayedCalls()
    keeper.watch(sweepers[0])
    assert len(clock.getDelayedCalls()) == 1


def test_one_failure_does_not_end_it(logged: Listener) -> None:
    """It is logged, and the others have their deadlines."""
    clock = Clock()
    keeper = Timekeeper(clock, clock.seconds)
    sweepers = [Sweeper(9, broken=True), Sweeper(2)]
    for sweeper in sweepers:
        keeper.watch(sweeper)
    clock.pump([TICK] * 3)
    assert [len(sweeper.seen) for sweeper in sweepers] == [3, 2]
    assert len(logged.failures) == 3


def test_who_is_forgotten_is_not_looked_at() -> None:
    """And with the last one the timer ends."""
    clock = Clock()
    keeper = Timekeeper(clock, clock.seconds)
    one, other = Sweeper(9), Sweeper(9)
    keeper.watch(one)
    keeper.watch(other)
    keeper.forget(one)
    assert clock.getDelayedCalls()
    keeper.forget(other)
    assert not clock.getDelayedCalls()


def test_the_stamp_is_the_milliseconds_that_have_passed() -> None:
    """It is written anew only when it is another one, whatever the clock began with."""
    clock = Clock()
    clock.advance(1000.0003)
    keeper = Timekeeper(clock, clock.seconds)
    assert keeper.stamp_until <= clock.seconds()
    assert keeper.stamp_at(clock.seconds()) == b"0"
    assert clock.seconds() < keeper.stamp_until <= clock.seconds() + 0.001
    clock.advance(1.5)
    assert keeper.stamp_until <= clock.seconds()
    assert keeper.stamp_at(clock.seconds()) == keeper.stamp == b"1500"
    assert clock.seconds() < keeper.stamp_until
