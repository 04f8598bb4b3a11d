"""Racks that failed the proof, in the history: strangers write there, and nobody can prune it."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

from maasha.db.events import record
from maasha.db.locks import Lock, hold
from maasha.db.transaction import Transaction
from maasha.model.event import EventId

KIND = "rack.refused"
HOURLY = 60
"""Warnings in any hour, of all regions together; beyond that only the regions' logs tell."""
PROVED = "it has proved the secret"

OPEN = """
select id, subject, kind from event warning where subject = any(%s::text[]) and kind = %s
and severity = 'warning' and not exists (select from event where event.clears = warning.id)
"""
OPEN_WITH = OPEN + " and detail = %s limit 1"
RECENT = """
select count(*) from event where kind = 'rack.refused' and severity = 'warning'
and at > clock_timestamp() - interval '1 hour'
"""


class Noted(Enum):
    """What became of a refusal."""

    WRITTEN = auto()
    KNOWN = auto()
    """A warning that says the same of that host is still open."""
    TOO_MANY = auto()
    """This hour's warnings are used up."""


async def note_refusal(tx: Transaction, who: str, host: str, reason: str) -> Noted:
    """Open a warning about a host, unless one with this reason is open or there are too many."""
    subject = f"host:{host}"
    await hold(tx, Lock.ALARM, KIND)
    if await tx.one(OPEN_WITH, [subject], KIND, reason) is not None:
        return Noted.KNOWN
    if await tx.value(RECENT) >= HOURLY:
        return Noted.TOO_MANY
    await record(tx, who, subject, KIND, "warning", reason)
    return Noted.WRITTEN


async def forgive(tx: Transaction, who: str, hosts: Collection[str]) -> None:
    """Clear the open warnings about hosts that have proved the secret."""
    for warning in await tx.rows(OPEN, [f"host:{host}" for host in hosts], KIND):
        await record(tx, who, warning.subject, KIND, "info", PROVED, EventId(warning.id))
