"""Tells from two clocks whether somebody set the one that people and dhcpd go by."""

from __future__ import annotations

from datetime import datetime, timedelta

STEP = 1.0
"""Seconds between two looks that no slewing of a clock explains (adjtime(3): 0.5 ms a second)."""
REMEMBERED = 600.0
"""Seconds for which a step is told of; most leases that were granted before it have ended then."""


class ClockWatch:
    """Compares the date with a clock that nobody can set, at every look."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._stepped = 0.0
        self._at: datetime | None = None
        self._until = 0.0

    def look(self, date: datetime, steady: float) -> None:
        """Look at both; `steady` in seconds."""
        offset = date.timestamp() - steady
        before, self._offset = self._offset, offset
        if steady >= self._until:
            self._stepped, self._at = 0.0, None
        if before is not None and abs(offset - before) > STEP:
            self._stepped += offset - before
            self._at, self._until = date, steady + REMEMBERED

    @property
    def words(self) -> str:
        """Say by how much the date was changed of late; empty: not at all."""
        if self._at is None:
            return ""
        way = "ahead" if self._stepped > 0 else "back"
        by, at = timedelta(seconds=round(abs(self._stepped))), self._at.replace(microsecond=0)
        return f"its clock was set {way} by {by}, last at {at.isoformat()}"
