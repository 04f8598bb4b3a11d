from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.api.waiting import DEADLINE, TICK, Bell, settle


def started(clock: Clock, bell: Bell, answers: list[bool]) -> tuple[Deferred[None], list[float]]:
    """Start to settle; gives when it looked."""
    looks: list[float] = []

    async def look() -> bool:
        looks.append(clock.seconds())
        return answers.pop(0) if answers else False

    return Deferred.fromCoroutine(settle(clock, bell, look)), looks


def test_done_at_once() -> None:
    """What is done already is not waited for."""
    clock = Clock()
    waiting, looks = started(clock, Bell(clock), [True])
    assert waiting.called
    assert looks == [0.0]


def test_a_ring_wakes() -> None:
    """A notice leads to a look in the same turn."""
    clock = Clock()
    bell = Bell(clock)
    waiting, looks = started(clock, bell, [False, True])
    clock.advance(0.3)
    bell.ring()
    assert waiting.called
    assert looks == [0.0, 0.3]
    assert not clock.getDelayedCalls()


def test_a_ring_between_looks_is_kept() -> None:
    """A notice that comes before anyone waits is not lost."""
    clock = Clock()
    bell = Bell(clock)
    bell.ring()
    waiting, looks = started(clock, bell, [False, True])
    assert waiting.called
    assert looks == [0.0, 0.0]


def test_a_lost_notice_costs_a_tick() -> None:
    """Without notices there is a look each tick."""
    clock = Clock()
    waiting, looks = started(clock, Bell(clock), [False, False, True])
    clock.pump([TICK, TICK])
    assert waiting.called
    assert looks == [0.0, TICK, 2 * TICK]


def test_the_deadline() -> None:
    """What never comes is waited for until the deadline and not longer."""
    clock = Clock()
    waiting, looks = started(clock, Bell(clock), [])
    clock.pump([TICK] * 9)
    assert not waiting.called
    clock.advance(TICK)
    assert waiting.called
    assert looks[-1] == DEADLINE
    assert not clock.getDelayedCalls()
