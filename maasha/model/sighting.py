"""What racks find out about each other on a VLAN: whether two of them could be a failover pair."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import field, frozen

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId

MOST_WATCHED = 256
"""VLANs that a rack watches at the same time: each has a packet socket, a port and calls under way.

Where there are more, regions let them take turns.
"""


@frozen
class Peer:
    """Another rack on a VLAN, at its own address there."""

    rack: RackKey
    address: IPv4Address
    hostname: str = ""
    """For people; empty: the region does not say."""


@frozen
class Watch:
    """A VLAN on which a rack is to look out for others, for a minute or until told otherwise."""

    vlan: VlanId
    rack: RackKey
    """The one that looks."""
    interface: str
    """Name of its interface on the VLAN."""
    address: IPv4Address
    """Its own on the VLAN."""
    peers: tuple[Peer, ...]
    key: str = field(repr=False)
    """Hexadecimal, 32 bytes; all that watch this VLAN know it, and nobody else."""


@frozen
class Vacancy:
    """A VLAN whose second place is free, with the linked racks that are on it."""

    vlan: VlanId
    primary: RackKey
    others: tuple[RackKey, ...]
    """By their keys."""


@frozen
class Spot:
    """Where a rack stands on a VLAN."""

    interface: str
    address: IPv4Address
    hostname: str


@frozen
class Sighting:
    """What one rack knows of another on a VLAN; None: nothing yet.

    Told as ages, for no clock but the database's dates evidence.
    """

    vlan: VlanId
    peer: RackKey
    probed: float | None = None
    """Seconds since a probe frame went over the VLAN and came back."""
    reached: float | None = None
    """Seconds since the peer's listener on TCP 647 answered."""
    clock_offset: float | None = None
    """Seconds by which the peer's clock is ahead."""
