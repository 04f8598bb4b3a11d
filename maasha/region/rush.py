"""Tells when many racks come at the same time, so that what can wait makes room for them."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

FEW = 8
"""Racks that may come within `WINDOW` before it is a rush."""
WINDOW = 0.5
"""Seconds."""
LONGEST = 5.0
"""Seconds that anybody waits for the end of a rush."""
LOOK = 0.1
"""Seconds between looks whether it is over."""


class Rush:
    """A rack without a link is worse off than one whose owner is late: it serves on meanwhile."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._came: deque[float] = deque(maxlen=FEW + 1)

    def came(self) -> None:
        """Note that a rack has come."""
        self._came.append(self._clock.seconds())

    @property
    def now(self) -> bool:
        """Whether there is one."""
        full = len(self._came) > FEW
        return full and self._clock.seconds() - self._came[0] < WINDOW

    async def over(self) -> None:
        """Wait for its end, but not for ever."""
        end = self._clock.seconds() + LONGEST
        while self.now and self._clock.seconds() < end:
            await deferLater(self._clock, LOOK)
