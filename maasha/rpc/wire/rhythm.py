"""One timer for the heartbeats of all connections."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

PARTS = 20
"""Into how many slots a period is divided; a new member's first beat comes one period later."""

Beat = Callable[[], None]

log = Logger()


class Rhythm:
    """Calls every member once in `interval` seconds, those of one slot together.

    After a pause of this process the beats go on from where they were: none is made up for, so
    that what came in meanwhile is read between any two of them.
    """

    def __init__(self, clock: IReactorTime, interval: float) -> None:
        self._clock = clock
        self._step = interval / PARTS
        self._slots: list[dict[Beat, None]] = [{} for _ in range(PARTS)]
        self._members: dict[Beat, int] = {}
        self._slot = 0
        self._next: IDelayedCall | None = None

    def join(self, beat: Beat) -> None:
        """Call `beat` from now on."""
        self._members[beat] = self._slot
        self._slots[self._slot][beat] = None
        if self._next is None:
            self._next = self._clock.callLater(self._step, self._tick)

    def leave(self, beat: Beat) -> None:
        """Call `beat` no more."""
        slot = self._members.pop(beat, None)
        if slot is not None:
            self._slots[slot].pop(beat, None)
        if not self._members and self._next is not None:
            self._next.cancel()
            self._next = None

    def _tick(self) -> None:
        self._next = self._clock.callLater(self._step, self._tick)
        self._slot = (self._slot + 1) % PARTS
        for beat in list(self._slots[self._slot]):
            try:
                beat()
            except Exception:
                log.failure("a heartbeat failed")
