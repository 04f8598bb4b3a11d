"""Leases as ISC dhcpd knows them (dhcpd.leases(5)) and which of two reports is the newer."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address

from attrs import field, frozen


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


MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}", re.IGNORECASE)


def normal_mac(text: str) -> str:
    """Give two lower-case digits per byte; empty: it is no MAC address of six bytes.

    dhcpd's expressions leave out leading zeros.
    """
    if not MAC.fullmatch(text):
        return ""
    return ":".join(byte.zfill(2) for byte in text.lower().split(":"))


@frozen
class Lease:
    """The last word of one server on one address.

    `mac` is lower case with two digits per byte, empty when unknown. Instants are aware UTC;
    `ends` is None for a lease that never ends. `hostname` is what the client calls itself, fit to
    be shown; only what `maasha.model.hostname.dns_name` takes is a name.
    """

    ip: IPv4Address
    state: BindingState
    mac: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    last_transaction: datetime | None = None
    """When the client last spoke with a server about this address (dhcpd's `cltt`)."""
    hostname: str = ""
    fixed: bool = False
    """A host has this address to itself, by the configuration."""
    sequence: int = field(default=0, eq=False)
    """The rack's number of this word: of two on an address the higher is the newer. 0: the rack
    gives none, and what comes later is newer. Words that say the same are equal without it."""


class TroubleKind(Enum):
    """What can be wrong with how a rack remembers and dates its leases."""

    DAMAGED = "damaged"
    """Its spool had lost something; it reads what dhcpd keeps once more."""
    UNWRITTEN = "unwritten"
    """Its spool cannot be written, as on a full disk; what is not yet reported is in memory."""
    STEPPED = "stepped"
    """Somebody set its clock: leases granted before end too early or too late."""


@frozen
class Trouble:
    """Something that is wrong now; `detail` is for people."""

    kind: TroubleKind
    detail: str


@frozen
class LeaseReport:
    """A batch from one rack, which may be empty; `cursor` is the number of the last word in it.

    The answer names the highest number that the region knows of this rack. One beyond `cursor`
    means that the rack lost count, and one below `acknowledged` that the region has lost what it
    had and has taken nothing now: in either case the rack tells everything anew, under numbers
    beyond all of these.
    """

    cursor: int
    leases: tuple[Lease, ...]
    acknowledged: int = 0
    """The highest cursor that a region acknowledged."""
    clock: datetime | None = None
    """The rack's time when it sent this."""
    troubles: tuple[Trouble, ...] = ()
    """All that is wrong now."""
