"""Leases as ISC dhcpd knows them (dhcpd.leases(5)) and which of two reports is the newer."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address

from attrs import frozen


class BindingState(Enum):
    """dhcpd's binding states."""

    FREE = "free"
    ACTIVE = "active"
    EXPIRED = "expired"
    RELEASED = "released"
    ABANDONED = "abandoned"
    RESET = "reset"
    BACKUP = "backup"


LIFECYCLE = (
    BindingState.ACTIVE,
    BindingState.EXPIRED,
    BindingState.RELEASED,
    BindingState.ABANDONED,
    BindingState.RESET,
    BindingState.BACKUP,
    BindingState.FREE,
)
"""The order in which a lease goes through its states between two words of its client."""


@frozen
class Lease:
    """The last word of one server on one address.

    `mac` is lower case with two digits per byte, empty when unknown. Instants are aware UTC;
    `ends` is None for a lease that never ends.
    """

    ip: IPv4Address
    state: BindingState
    mac: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    last_transaction: datetime | None = None
    """When the client last spoke with a server about this address (dhcpd's `cltt`)."""
    hostname: str = ""


@frozen
class LeaseReport:
    """A batch from one rack; `cursor` is the rack's own mark, sent back when it is committed."""

    cursor: int
    leases: tuple[Lease, ...]
