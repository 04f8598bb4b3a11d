"""How long a worker has been in touch with the database without a gap."""

from __future__ import annotations


class Contact:
    """Counts unbroken contact, so that a worker judges others only after a full time-to-live of it.

    After an outage every heartbeat in the database is old, the living ones' too: whoever judged at
    once would declare all others dead. `gap` is the silence in seconds that breaks the contact; a
    process that was stopped or starved shows as such a silence as well.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._since: float | None = None
        self._last = 0.0
        self._known = False
        self.regained: float | None = None
        """When the last gap ended; None: there has been none since the first contact."""

    def made(self, now: float) -> None:
        """Note a heartbeat that the database took."""
        if self._since is None or now - self._last > self._gap:
            self._since = now
            if self._known:
                self.regained = now
        self._last, self._known = now, True

    def lost(self) -> None:
        """Note a heartbeat that the database did not take."""
        self._since = None

    def lasts(self, now: float) -> float:
        """Give the seconds of unbroken contact up to `now`; 0 where there is none."""
        if self._since is None or now - self._last > self._gap:
            return 0.0
        return now - self._since
