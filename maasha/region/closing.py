"""The end of a listening port in good order: who is inside is answered, nobody else is let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

ARRIVING = 0.5
"""Seconds for the question of one who was let in just now."""
LONGEST = 3.0
"""Seconds for answers."""
LOOK = 0.05


class Port(Protocol):
    """A port of Twisted's."""

    def doRead(self) -> object:
        """Let in those who wait."""

    def connectionLost(self, reason: Failure) -> None:
        """Let nobody in any more."""


async def close_port(clock: IReactorTime, port: Port, answering: Callable[[], int]) -> None:
    """Wait until nobody waits for an answer, but not for ever.

    Whoever waits at the door is let in first: the kernel would hang up on them. `stopListening`
    closes it a turn later only, when others wait there.
    """
    port.doRead()
    port.connectionLost(Failure(ConnectionDone()))
    now = clock.seconds()
    while clock.seconds() < now + ARRIVING or (answering() and clock.seconds() < now + LONGEST):
        await deferLater(clock, LOOK)
