"""A brake for logs: once per source and minute, however many knock from however many places."""

from __future__ import annotations

INTERVAL = 60.0
"""Seconds between two lines about one source."""
REMEMBERED = 1000
"""Sources spoken of in one interval; of more than that nobody reads."""


class Seldom:
    """Remembers when each source was last spoken of, and keeps silent when it has too many."""

    def __init__(self, interval: float = INTERVAL, remembered: int = REMEMBERED) -> None:
        self._interval = interval
        self._remembered = remembered
        self._last: dict[str, float] = {}

    def allows(self, source: str, now: float) -> bool:
        """Whether to speak of `source` at `now` (seconds of any steady clock), and note it."""
        self._forget(now)
        if source in self._last or len(self._last) >= self._remembered:
            return False
        self._last[source] = now
        return True

    def _forget(self, now: float) -> None:
        """Drop what is over; the oldest stand first."""
        while self._last:
            oldest = next(iter(self._last))
            if now - self._last[oldest] < self._interval:
                break
            del self._last[oldest]
