"""Work for strangers, a little in each turn of the reactor, so that no rack's call waits for it.

A TLS handshake costs most of a millisecond, and a flood of them arrives at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

SHARE = 0.001
"""Seconds of a turn; a call takes one for each of its round trips to the database, about six."""


class Pace:
    """Does what it is given in the order it came, in each turn for about `share` seconds."""

    def __init__(self, clock: IReactorTime, share: float = SHARE) -> None:
        self._clock = clock
        self._share = share
        self._waiting: deque[Callable[[], None]] = deque()
        self._awaited = False

    def add(self, work: Callable[[], None]) -> None:
        """Do it in one of the next turns."""
        self._waiting.append(work)
        if not self._awaited:
            self._await_turn()

    def _await_turn(self) -> None:
        self._awaited = bool(self._waiting)
        if self._awaited:
            self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        end = self._clock.seconds() + self._share
        try:
            self._waiting.popleft()()
            while self._waiting and self._clock.seconds() < end:
                self._waiting.popleft()()
        finally:  # one that fails holds nobody up
            self._await_turn()
