"""The cluster's history: what happened when, and which alarms are open."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NewType

from attrs import frozen

EventId = NewType("EventId", int)

Severity = Literal["debug", "info", "warning", "alarm"]
"""An alarm stays open until an event that clears it."""


@frozen
class Event:
    """One entry of the append-only history.

    `who` acted (`user:admin`, `worker:3`, `rack:abc467`), `subject` is what it happened to
    (`vlan:5`, `rack:abc467`), `kind` is a dotted word (`dhcp.peer-state`).
    """

    id: EventId
    at: datetime
    who: str
    subject: str
    kind: str
    severity: Severity
    detail: str = ""
    clears: EventId | None = None
    """The alarm that this event ends."""
