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

    After a pause of this process (half a period or more) the beats go on from where they were, one
    turn later: what came in meanwhile is read before the first of them and between any two, and
    none is made up for. Slots without members cost nothing.
    """

    def __init__(self, clock: IReactorTime, interval: float) -> None:
        self._clock = clock
        self._step = interval / PARTS
        self._slots: list[dict[Beat, None]] = [{} for _ in range(PARTS)]
        self._members: dict[Beat, int] = {}
        self._origin = clock.seconds()
        self._due = 0
        """Steps from the origin to what the timer waits for."""
        self._next: IDelayedCall | None = None

    def join(self, beat: Beat) -> None:
        """Call `beat` from now on."""
        steps = int((self._clock.seconds() - self._origin) / self._step + 0.5)
        slot = self._members[beat] = steps % PARTS
        self._slots[slot][beat] = None
        if self._next is None:
            self._await_slot(steps)

    def leave(self, beat: Beat) -> None:
        """Call `beat` no more."""
        slot = self._members.pop(beat, None)
        if slot is not None:
            del self._slots[slot][beat]
        if not self._members and self._next is not None:
            self._next.cancel()
            self._next = None

    def _await_slot(self, steps: int) -> None:
        """Wait for the first slot that has members after so many steps."""
        self._due = next(n for n in range(steps + 1, steps + PARTS + 1) if self._slots[n % PARTS])
        rest = self._origin + self._due * self._step - self._clock.seconds()
        self._next = self._clock.callLater(max(0.0, rest), self._tick)

    def _tick(self) -> None:
        late = self._clock.seconds() - self._origin - self._due * self._step
        if late > self._step * PARTS / 2:
            self._origin += late
            self._next = self._clock.callLater(0, self._beat)  # what came in meanwhile goes first
        else:
            self._beat()

    def _beat(self) -> None:
        beats = list(self._slots[self._due % PARTS])
        self._await_slot(self._due)
        for beat in beats:
            try:
                beat()
            except Exception:
                log.failure("a heartbeat failed")
