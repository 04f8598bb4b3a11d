"""Work for strangers is spread over turns, in order, and what fails holds nobody up."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from maasha.rpc.pace import Pace


class Turns(Clock):
    """Notes what was done when each turn is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[int] = []
        self.asked: list[int] = []

    def callLater(self, *call: Any, **arguments: Any) -> IDelayedCall:
        """Note it."""
        self.asked.append(len(self.done))
        return super().callLater(*call, **arguments)

    def work(self, number: int) -> None:
        """Take a millisecond."""
        self.done.append(number)
        self.rightNow += 0.001


def test_a_turn_has_only_so_much_time() -> None:
    """Two pieces of a millisecond fit into two milliseconds, the others wait in order."""
    clock = Turns()
    pace = Pace(clock, share=0.002)
    for number in range(5):
        pace.add(partial(clock.work, number))
    assert clock.done == []
    clock.advance(0)
    assert clock.done == [0, 1, 2, 3, 4]
    assert clock.asked == [0, 2, 4]


def test_what_fails_holds_nobody_up() -> None:
    """The reactor logs it, and the next turn goes on."""
    clock, done = Clock(), list[str]()
    pace = Pace(clock)

    def fail() -> None:
        raise ZeroDivisionError

    pace.add(fail)
    pace.add(lambda: done.append("next"))
    with pytest.raises(ZeroDivisionError):
        clock.advance(0)
    clock.advance(0)
    assert done == ["next"]


def test_work_may_bring_more_work() -> None:
    """It has its turn too."""
    clock, done = Clock(), list[str]()
    pace = Pace(clock)
    pace.add(lambda: pace.add(lambda: done.append("more")))
    clock.advance(0)
    clock.advance(0)
    assert done == ["more"]
    assert clock.getDelayedCalls() == []
