"""The networks that racks serve: interfaces, fabrics, VLANs, subnets and address ranges."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import NewType

from attrs import frozen

VlanId = NewType("VlanId", int)
"""The database's number of a VLAN, unlike its VID."""
FabricId = NewType("FabricId", int)
SubnetId = NewType("SubnetId", int)
RangeId = NewType("RangeId", int)

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


@frozen
class Subnet:
    """An IPv4 subnet as DHCP needs it."""

    id: SubnetId
    cidr: IPv4Network
    gateway: IPv4Address | None = None
    dns_servers: tuple[IPv4Address, ...] = ()
    ranges: tuple[IPRange, ...] = ()
    allow_dns: bool = True
    """Clients are told of the regions' name servers where the subnet has none of its own."""


Network = IPv4Network | IPv6Network
