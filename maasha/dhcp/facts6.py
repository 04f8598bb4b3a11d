"""All that one rack's DHCPv6 configuration is made from, as one frozen snapshot."""

from __future__ import annotations

from ipaddress import IPv6Address

from attrs import frozen

from maasha.model.network import Stretch, Subnet6, VlanId
from maasha.model.options import NO_BOOT, Boot
from maasha.model.stamp import Stamp
from maasha.model.stretches import Stretches, joined, without


@frozen
class VlanFacts6:
    """One VLAN as one rack sees it."""

    vlan: VlanId
    lease_time: int
    """Seconds."""
    subnets: tuple[Subnet6, ...]
    interface: str
    """The rack's name of its interface there."""
    address: IPv6Address | None
    """The rack's own address there, of a subnet's; None: it has none."""
    boot: Boot = NO_BOOT


@frozen
class RackFacts6:
    """Everything of one rack."""

    generation: Stamp
    omapi_secret: str
    """Base64, of at least one byte."""
    vlans: tuple[VlanFacts6, ...]


def addresses(subnet: Subnet6, taken: tuple[IPv6Address, ...]) -> Stretches:
    """Give what may be leased: the dynamic ranges without the addresses that are somebody's own.

    Those are `taken` (the racks'), the gateway, the DNS servers, and the subnet's first address,
    which is any router's (RFC 4291, 2.6.1).
    """
    gateway = () if subnet.gateway is None else (subnet.gateway,)
    own = (*taken, *gateway, *subnet.dns_servers, subnet.cidr.network_address)
    return without(joined(subnet.ranges), [Stretch(each, each) for each in own])
