"""Waiting for racks to do what was committed: woken by notices, judged from rows, bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

DEADLINE = 10.0
"""Seconds that a PUT waits for the racks; beyond it the answer says what is still pending."""
TICK = 1.0
"""Seconds between two looks when no notice comes: a lost notice costs a tick."""


class Bell:
    """Remembers that it rang until somebody waits for it."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._rung = False
        self._waiter: Deferred[None] | None = None

    def ring(self) -> None:
        """Wake who waits, or the next who does."""
        self._rung = True
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            waiter.callback(None)

    async def rung(self, timeout: float) -> None:
        """Wait for a ring since the last wait, but no longer than `timeout` seconds."""
        if not self._rung:
            self._waiter = Deferred()
            timer = self._clock.callLater(timeout, self.ring)
            try:
                await self._waiter
            finally:
                if timer.active():
                    timer.cancel()
                self._waiter = None
        self._rung = False


async def settle(
    clock: IReactorTime, bell: Bell, look: Callable[[], Awaitable[bool]], deadline: float = DEADLINE
) -> None:
    """Call `look` until it gives True or `deadline` seconds are over; at least once."""
    end = clock.seconds() + deadline
    while not await look():
        left = end - clock.seconds()
        if left <= 0:
            return
        await bell.rung(min(TICK, left))
