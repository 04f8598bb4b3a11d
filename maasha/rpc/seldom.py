"""A brake for logs: once per source and minute, however many knock."""

from __future__ import annotations

INTERVAL = 60.0
"""Seconds between two lines about one source."""
REMEMBERED = 1000
"""Sources; beyond that the oldest is forgotten, so that a flood costs no memory."""


class Seldom:
    """Remembers when each source was last spoken of."""

    def __init__(self, interval: float = INTERVAL, remembered: int = REMEMBERED) -> None:
        self._interval = interval
        self._remembered = remembered
        self._last: dict[str, float] = {}

    def allows(self, source: str, now: float) -> bool:
        """Whether to speak of `source` at `now` (seconds of any steady clock), and note it."""
        last = self._last.get(source)
        if last is not None and now - last < self._interval:
            return False
        self._last.pop(source, None)
        self._last[source] = now
        if len(self._last) > self._remembered:
            del self._last[next(iter(self._last))]
        return True
