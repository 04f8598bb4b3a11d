"""Spans of time as people write them: 90s, 30m, 1h, 7d."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=365)
DEFAULT_LIFE = timedelta(hours=1)
"""Of a join token, where nobody says."""


def parse_duration(text: str) -> timedelta:
    """Read a whole number and its unit, from one second to a year; raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    span = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= LONGEST:
        raise ValueError(f"{text[:40]!r} is no time from 1s to 365d; write it as 30m, 1h or 7d.")
    return span
