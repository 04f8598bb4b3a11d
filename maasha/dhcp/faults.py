"""What keeps a VLAN from being served by a rack, found before dhcpd has to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from attrs import evolve, frozen

from maasha.dhcp.facts import VlanFacts
from maasha.dhcp.pools import MAX_ADDRESSES, pools, range_fault
from maasha.model.cluster import RackKey
from maasha.model.dhcp import Role
from maasha.model.network import (
    MAX_LEASE_TIME,
    MAX_MTU,
    MIN_LEASE_TIME,
    MIN_MTU,
    RelayedVlan,
    Subnet,
)

INTERFACE = re.compile(r"[^\s/-][^\s/]{0,14}", re.ASCII)
"""What Linux takes as an interface's name, less what dhcpd would read as an option."""
PEER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


@frozen
class Surroundings:
    """What the VLANs before have taken already: dhcpd cannot tell two links on one interface."""

    interfaces: tuple[str, ...] = ()
    networks: tuple[IPv4Network, ...] = ()

    def joined(self, vlan: VlanFacts) -> Surroundings:
        """Give the surroundings of the next VLAN."""
        there = self.with_networks(vlan.subnets)
        return evolve(there, interfaces=(*self.interfaces, vlan.interface))

    def with_networks(self, subnets: Iterable[Subnet]) -> Surroundings:
        """Give the surroundings of what comes after these subnets."""
        return evolve(self, networks=(*self.networks, *(subnet.cidr for subnet in subnets)))


def fault(vlan: VlanFacts, role: Role, rack: RackKey, around: Surroundings) -> str:
    """Give the first reason why the rack cannot serve the VLAN in this role; empty: it can."""
    return next(_faults(vlan, role, rack, around), "")


def relayed_fault(vlan: RelayedVlan, around: Surroundings) -> str:
    """Give the first reason why a VLAN cannot be served through a relay; empty: it can."""
    faults = (*_number_faults(vlan), *_network_faults(vlan, around), *_pool_faults(vlan, ()))
    return next(iter(faults), "")


def _faults(vlan: VlanFacts, role: Role, rack: RackKey, around: Surroundings) -> Iterator[str]:
    yield from _link_faults(vlan, rack, around)
    yield from _number_faults(vlan)
    yield from _network_faults(vlan, around)
    taken = [member.address for member in vlan.members if member.address is not None]
    yield from _pool_faults(vlan, taken)
    if role.paired:
        yield from _peer_faults(role)


def _link_faults(vlan: VlanFacts, rack: RackKey, around: Surroundings) -> Iterator[str]:
    if not INTERFACE.fullmatch(vlan.interface):
        yield f"the rack has no usable interface on this VLAN (name {vlan.interface!r})"
    if vlan.interface in around.interfaces:
        yield f"interface {vlan.interface} already serves another VLAN"
    own = vlan.member(rack)
    if own is None or own.address is None:
        yield "the rack has no address on this VLAN: give its interface one"
    elif not any(own.address in subnet.cidr for subnet in vlan.subnets):
        yield f"the rack's address {own.address} is in no subnet of this VLAN"


def _number_faults(vlan: VlanFacts | RelayedVlan) -> Iterator[str]:
    if not MIN_LEASE_TIME <= vlan.lease_time <= MAX_LEASE_TIME:
        yield f"lease time {vlan.lease_time} is not in {MIN_LEASE_TIME}..{MAX_LEASE_TIME} seconds"
    if not MIN_MTU <= vlan.mtu <= MAX_MTU:
        yield f"MTU {vlan.mtu} is not in {MIN_MTU}..{MAX_MTU} bytes"


def _network_faults(vlan: VlanFacts | RelayedVlan, around: Surroundings) -> Iterator[str]:
    own = tuple(subnet.cidr for subnet in vlan.subnets)
    if _overlapping((*around.networks, *own)):
        yield _overlap(around.networks, own)


def _overlap(before: Sequence[IPv4Network], own: Sequence[IPv4Network]) -> str:
    """Name the first of our networks that overlaps one before it, and that one."""
    pairs = ((old, new) for place, new in enumerate(own) for old in (*before, *own[:place]))
    old, new = next(pair for pair in pairs if pair[0].overlaps(pair[1]))
    return f"subnets {old} and {new} overlap"


def _overlapping(networks: Sequence[IPv4Network]) -> bool:
    """Whether any two overlap: then one is inside another, and next to one like that in order."""
    return any(before.overlaps(after) for before, after in pairwise(sorted(networks)))


def _pool_faults(vlan: VlanFacts | RelayedVlan, taken: Sequence[IPv4Address]) -> Iterator[str]:
    for subnet in vlan.subnets:
        reason = range_fault(subnet)
        if reason:
            yield reason
    total = sum(len(span) for subnet in vlan.subnets for span in pools(subnet, taken))
    if total == 0:
        yield "no dynamic range has an address to lease: create one with type=dynamic"
    if total > MAX_ADDRESSES:
        yield f"{total} dynamic addresses are more than {MAX_ADDRESSES}: make the ranges smaller"


def _peer_faults(role: Role) -> Iterator[str]:
    if not PEER_NAME.fullmatch(role.peer_name):
        yield f"{role.peer_name!r} cannot name a failover peer"
    if role.address is None or role.peer_address is None or role.address == role.peer_address:
        yield "a failover peer needs two addresses on this VLAN, one per rack"
