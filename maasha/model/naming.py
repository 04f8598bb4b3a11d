"""Name servers of the regions, as seen from VLANs: what decides which of them clients are told."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address

from attrs import frozen

from maasha.model.network import VlanId


@frozen
class Resolver:
    """An address where a region has a name server, or may have one, as seen from a VLAN.

    Both instants are the newest of all racks there; None: never.
    """

    region: int
    """The database's number of the region."""
    address: IPv4Address
    by_hand: bool = False
    """An operator named it: clients are told of it whether or not it answers."""
    asked: datetime | None = None
    answered: datetime | None = None
    """When it was asked and answered."""


@frozen
class Naming:
    """A VLAN's name servers: those there may be, and what clients are told now."""

    vlan: VlanId
    resolvers: tuple[Resolver, ...]
    """In the order that stays."""
    told: tuple[IPv4Address, ...] = ()
    rearranged: datetime | None = None
    """When what is told was last rearranged, since one died or came back."""
    calm: bool = True
    """All pairs that its racks are in, there or elsewhere, are normal: dhcpd may be restarted."""
