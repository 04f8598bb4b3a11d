"""What a rack's reports of leases say of its spool and its clock, for alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from maasha.db.lease_alarms import CLOCK, SPOOL_DAMAGED, SPOOL_UNWRITTEN
from maasha.model.lease import LeaseReport, TroubleKind

LIMIT = 5.0
"""Seconds that the clocks of a rack and a region may differ; dhcpd's peers refuse each other at 60,
and a lease ends by the granting rack's clock."""

Verdict = Mapping[str, str]
"""Words for each kind of alarm; empty: all is well."""


class LeaseHealth:
    """Judges the reports that come over one link."""

    def __init__(self) -> None:
        self._noted: Verdict | None = None
        self._late = False
        self._difference = ""

    def judge(self, report: LeaseReport, here: datetime) -> Verdict:
        """Say what is wrong; `here` is this host's time when the report came."""
        self._compare(report.clock, here)
        words = {trouble.kind: trouble.detail for trouble in report.troubles}
        clock = words.get(TroubleKind.STEPPED, ""), self._difference
        return {
            SPOOL_DAMAGED: words.get(TroubleKind.DAMAGED, ""),
            SPOOL_UNWRITTEN: words.get(TroubleKind.UNWRITTEN, ""),
            CLOCK: "; ".join(part for part in clock if part),
        }

    def is_news(self, verdict: Verdict) -> bool:
        """Whether it is another one than was noted last."""
        return verdict != self._noted

    def note(self, verdict: Verdict) -> None:
        """Take note that this is on record."""
        self._noted = verdict

    def _compare(self, clock: datetime | None, here: datetime) -> None:
        """Compare a rack's clock with this host's.

        A report that was long under way makes a clock look late, never early: it takes two.
        """
        difference = (clock - here).total_seconds() if clock is not None else 0.0
        before, self._late = self._late, difference < -LIMIT
        if abs(difference) <= LIMIT:
            self._difference = ""
        elif not self._difference and (difference > 0 or before):
            way = "ahead of" if difference > 0 else "behind"
            by = timedelta(seconds=round(abs(difference)))
            self._difference = f"its clock is {by} {way} the region's"
