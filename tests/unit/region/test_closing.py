"""A port that closes lets those in who wait, and answers all who are inside."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from maasha.region.closing import ARRIVING, LONGEST, LOOK, close_port
from tests.unit.rpc.parts import waits


@define(eq=False)
class Door:
    """A port, and what is done with it."""

    done: list[str] = field(factory=list)

    def doRead(self) -> None:
        """Let in."""
        self.done.append("let in")

    def connectionLost(self, _: Failure) -> None:
        """Close."""
        self.done.append("closed")


def closing(clock: Clock, inside: list[str]) -> Deferred[None]:
    """Close a port while some are inside."""
    door = Door()
    closed = Deferred.fromCoroutine(close_port(clock, door, lambda: len(inside)))
    assert door.done == ["let in", "closed"]
    return closed


def pass_time(clock: Clock, seconds: float) -> None:
    """Let time pass as a reactor does."""
    clock.pump([LOOK] * round(seconds / LOOK))


def test_whoever_came_last_has_a_moment_to_ask() -> None:
    """Then it is over, if nobody waits for an answer."""
    clock = Clock()
    closed = closing(clock, [])
    pass_time(clock, ARRIVING - LOOK)
    assert waits(closed)
    pass_time(clock, 2 * LOOK)
    assert closed.called


def test_answers_are_waited_for() -> None:
    """But not for ever."""
    clock, inside = Clock(), ["a caller"]
    closed, other = closing(clock, inside), closing(clock, ["another"])
    pass_time(clock, 1.0)
    assert waits(closed)
    inside.clear()
    pass_time(clock, LOOK)
    assert closed.called
    assert waits(other)
    pass_time(clock, LONGEST)
    assert other.called
