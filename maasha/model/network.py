"""The networks that racks serve: interfaces, fabrics, VLANs, subnets and address ranges."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import NewType

from attrs import frozen

from maasha.model.options import NO_BOOT, Boot, Snippet

VlanId = NewType("VlanId", int)
"""The database's number of a VLAN, unlike its VID."""
FabricId = NewType("FabricId", int)
SubnetId = NewType("SubnetId", int)
RangeId = NewType("RangeId", int)
ReservationId = NewType("ReservationId", int)

HOSTNAME = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
"""A regular expression: one label of a domain name (RFC 1123, 2.1)."""

MIN_VID, MAX_VID = 0, 4094
DEFAULT_MTU = 1500
MIN_MTU, MAX_MTU = 552, 65535
DEFAULT_LEASE_TIME = 600
"""Seconds; what MAAS's dhcpd.conf has."""
MIN_LEASE_TIME, MAX_LEASE_TIME = 15, 7 * 24 * 3600
"""Seconds. Below, clients renew without pause; above, a dead client keeps its address a week."""


@frozen
class Interface:
    """A network interface of a rack and its addresses with their prefixes."""

    name: str
    mac: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    mtu: int = DEFAULT_MTU
    vid: int = 0
    """The VID with which it tags its frames (IEEE 802.1Q); 0: it does not."""
    parent: str = ""
    """The interface on which it does so; empty: none, or not known."""


class RangeType(Enum):
    """What the addresses of a range are for."""

    DYNAMIC = "dynamic"
    RESERVED = "reserved"


@frozen
class IPRange:
    """Addresses from `start` to `end`, both included."""

    type: RangeType
    start: IPv4Address
    end: IPv4Address
    snippets: tuple[Snippet, ...] = ()


@frozen
class Subnet:
    """An IPv4 subnet as DHCP needs it."""

    id: SubnetId
    cidr: IPv4Network
    gateway: IPv4Address | None = None
    dns_servers: tuple[IPv4Address, ...] = ()
    ranges: tuple[IPRange, ...] = ()
    ntp_servers: tuple[IPv4Address, ...] = ()
    search_list: tuple[str, ...] = ()
    """Domains in which clients look for short names, the first one first."""
    snippets: tuple[Snippet, ...] = ()
    allow_dns: bool = True
    """Clients are told of the regions' name servers where the subnet has none of its own."""


@frozen
class RelayedVlan:
    """A VLAN on which no rack of the pair has an interface: a relay passes its clients on."""

    vlan: VlanId
    lease_time: int
    """Seconds."""
    mtu: int
    """Bytes."""
    subnets: tuple[Subnet, ...]
    boot: Boot = NO_BOOT


Network = IPv4Network | IPv6Network
