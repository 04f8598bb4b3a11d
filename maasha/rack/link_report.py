"""How a link is, as rackd tells it to people."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

JOINING = "joining"
"""In place of its health, before the worker has proved itself."""


@frozen
class LinkReport:
    """What can be said of a connection; times are in seconds."""

    worker: str
    remote: str
    since: datetime
    health: str
    in_flight: int
    round_trip: float | None = None
    """Smoothed mean; None before the first measurement."""
    deviation: float | None = None
