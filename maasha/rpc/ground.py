"""What all links of one process stand on: the clock, two timers, limits and counters."""

from __future__ import annotations

from itertools import count
from secrets import token_hex

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime

from maasha.rpc.pulse import HEARTBEAT
from maasha.rpc.wire import Limits, Metrics, Rhythm, Timekeeper
from maasha.rpc.wire.polling import hasten, hear


@frozen
class Timing:
    """How patient a link is; all in seconds."""

    heartbeat: float = HEARTBEAT
    """Between two looks at whether the peer lives."""
    proof: float = 5.0
    """From the connection to a stranger's proof; who dials is as patient as it wants to be."""
    farewell: float = 2.0
    """For a polite close; towards a peer that does not read it would never end."""


TIMING = Timing()
MIB = 2**20
LIMITS = Limits()


def limits_for(message_mib: int) -> Limits:
    """Give the limits of links whose longest message has so many MiB; two of those may queue."""
    longest = message_mib * MIB
    return evolve(LIMITS, message=longest, queued_bytes=max(LIMITS.queued_bytes, 2 * longest))


class Ground:
    """Shared by all links, so that thousands of them need two timers.

    The clock is to be a steady one (a reactor's own may follow the date: `maasha.host.clock`).
    """

    def __init__(
        self, clock: IReactorTime, timing: Timing = TIMING, limits: Limits = LIMITS
    ) -> None:
        self.clock = clock
        self.timing = timing
        self.limits = limits
        self.metrics = Metrics()
        self.timekeeper = Timekeeper(clock, clock.seconds)
        self.rhythm = Rhythm(clock, timing.heartbeat)
        self._hastened = hasten(clock)
        self._name = token_hex(4)
        self._numbers = count(1)

    def hear(self, transport: object) -> None:
        """Have the connection of a proved link read from without a detour, if the reactor can."""
        if self._hastened:
            hear(transport)

    def trace(self) -> bytes:
        """Give the beginning of the traces of one more link: no other link has the same."""
        return f"{self._name}-{next(self._numbers):x}.".encode()
