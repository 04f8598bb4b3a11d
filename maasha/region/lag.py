"""Looks how late the reactor is: what every link, call and timer of this process waits besides."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from maasha.rpc.wire.metrics import Series

INTERVAL = 1.0
"""Seconds between two looks."""


class Lag(Service):
    """Counts in `series` how many seconds after its time each look came."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._next: IDelayedCall | None = None
        self.series = Series()

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self._wait()

    def stopService(self) -> None:
        """End."""
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _wait(self) -> None:
        due = self._clock.seconds() + INTERVAL
        self._next = self._clock.callLater(INTERVAL, self._look, due)

    def _look(self, due: float) -> None:
        self.series.add(max(0.0, self._clock.seconds() - due))
        self._wait()
