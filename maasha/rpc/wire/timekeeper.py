"""One coarse timer for the deadlines of all calls on all connections."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

TICK = 0.05
"""Seconds between two looks; a deadline is never early and at most this late."""

log = Logger()


class Waiting(Protocol):
    """A connection with calls that wait for answers."""

    def sweep(self, now: float) -> bool:
        """Fail what is overdue; tells whether anything still waits."""


class Timekeeper:
    """Looks at every connection that has calls in flight, and sleeps when none has.

    One timer instead of one per call: a call costs nothing but its place in a dict. `now` gives
    seconds of a steady clock; the reactor's own may be set by hand.
    """

    def __init__(self, clock: IReactorTime, now: Callable[[], float] = monotonic) -> None:
        self.now = now
        self.clock = clock
        self.stamp = b""
        """Milliseconds since this object was made, in decimal."""
        self.stamp_until = self._origin = now()
        self._watched: dict[Waiting, None] = {}
        self._next: IDelayedCall | None = None

    def stamp_at(self, now: float) -> bytes:
        """Give `stamp` as it is at `now`; until `stamp_until` it stays so."""
        milliseconds = int((now - self._origin) * 1000)
        self.stamp = b"%d" % milliseconds
        self.stamp_until = self._origin + (milliseconds + 1) / 1000
        return self.stamp

    def watch(self, waiting: Waiting) -> None:
        """Look at `waiting` until its `sweep` says that nothing waits."""
        self._watched[waiting] = None
        if self._next is None:
            self._next = self.clock.callLater(TICK, self._tick)

    def forget(self, waiting: Waiting) -> None:
        """Stop looking at `waiting`."""
        self._watched.pop(waiting, None)
        if not self._watched and self._next is not None:
            self._next.cancel()
            self._next = None

    def _tick(self) -> None:
        self._next = None
        now = self.now()
        for waiting in list(self._watched):
            if not self._sweep(waiting, now):
                self._watched.pop(waiting, None)
        if self._watched and self._next is None:
            self._next = self.clock.callLater(TICK, self._tick)

    def _sweep(self, waiting: Waiting, now: float) -> bool:
        try:
            return waiting.sweep(now)
        except Exception:
            log.failure("the deadlines of {waiting} were not looked at", waiting=waiting)
            return True
