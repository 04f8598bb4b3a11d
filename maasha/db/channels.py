"""The channels on which transactions wake their readers (NOTIFY); a notice only shortens a wait."""

from __future__ import annotations

from enum import Enum

from maasha.db.transaction import Transaction


class Channel(Enum):
    """What changed. The payload names it, or is empty for "anything"."""

    RACKS = "racks"
    """Links, owners and workers; payload: a rack's key."""
    DHCP = "dhcp"
    """Wanted or running service; payload: a rack's key."""
    LEASES = "leases"
    """Reported leases; payload: a rack's key."""
    MOVES = "moves"
    """Links that are to move to other workers; no payload."""
    PLACEMENT = "placement"
    """What is drained or paused, and what racks have seen of each other; no payload."""
    SECRETS = "secrets"
    """What racks may prove themselves with; no payload."""


async def notify(tx: Transaction, channel: Channel, payload: object = "") -> None:
    """Wake the channel's readers when the transaction commits; equal notices become one."""
    await tx.execute("select pg_notify(%s, %s)", channel.value, str(payload))
