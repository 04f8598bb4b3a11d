"""The text of dhcpd.conf(5) for one rack's DHCPv6, from its facts and the addresses it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from maasha.dhcp.facts6 import RackFacts6, VlanFacts6
from maasha.dhcp.family import IPV6
from maasha.dhcp.faults import INTERFACE, Surroundings
from maasha.dhcp.options import boot6_options, subnet6_options
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render import Problem, Rendered, braces, omapi
from maasha.dhcp.snippets import snippet_lines
from maasha.model.dhcp import DhcpPlan, Duty, Role, VlanRole
from maasha.model.network import (
    DEFAULT_LEASE_TIME,
    MAX_LEASE_TIME,
    MIN_LEASE_TIME,
    Stretch,
    Subnet6,
    VlanId,
)
from maasha.model.stretches import Stretches, common

# Without the threshold every renewal is written down: leases are reported from that file.
HEAD = f"""\
# Written by maasha: changes made here by hand are overwritten.

authoritative;
dhcp-cache-threshold 0;
ddns-update-style none;
default-lease-time {DEFAULT_LEASE_TIME};
max-lease-time {DEFAULT_LEASE_TIME};
"""


def render6(facts: RackFacts6, shares: Mapping[VlanId, Stretches]) -> Rendered:
    """Render every VLAN of which the rack has a share; a faulty one harms no other.

    The same facts give the same text. With no VLAN left the plan is empty: no server is to run.
    """
    served: list[tuple[VlanFacts6, Stretches]] = []
    problems: list[Problem] = []
    around = Surroundings()
    for vlan in sorted(facts.vlans, key=lambda entry: entry.vlan):
        share = shares.get(vlan.vlan, ())
        reason = next(_faults(vlan, around), "") if share else ""
        if reason:
            problems.append(Problem(vlan.vlan, reason))
        elif share:
            around = around.beside(vlan.interface, (subnet.cidr for subnet in vlan.subnets))
            served.append((vlan, share))
    return Rendered(_plan(facts, served), tuple(problems))


def _plan(facts: RackFacts6, served: list[tuple[VlanFacts6, Stretches]]) -> DhcpPlan:
    if not served:
        return DhcpPlan(facts.generation, EMPTY.config, EMPTY.interfaces, EMPTY.roles)
    networks = (_shared_network(vlan, share) for vlan, share in served)
    return DhcpPlan(
        generation=facts.generation,
        config="\n".join((HEAD, omapi(facts.omapi_secret, IPV6), *networks)),
        interfaces=tuple(sorted(vlan.interface for vlan, _ in served)),
        roles=tuple(
            VlanRole(vlan.vlan, Role(Duty.SOLO, stretches=share)) for vlan, share in served
        ),
    )


def _shared_network(vlan: VlanFacts6, share: Stretches) -> str:
    """Declare all subnets of the VLAN, those without a pool too: dhcpd must know its link."""
    lines = [f"default-lease-time {vlan.lease_time};", f"max-lease-time {vlan.lease_time};"]
    lines.extend(boot6_options(vlan.boot, vlan.address))
    lines.extend(
        _subnet(subnet, share) for subnet in sorted(vlan.subnets, key=lambda each: each.cidr)
    )
    return braces(f"shared-network vlan-{vlan.vlan}", lines)


def _subnet(subnet: Subnet6, share: Stretches) -> str:
    pools = (
        braces("pool6", [f"range6 {each.start} {each.end};"])
        for each in common(share, subnet.ranges)
    )
    lines = [*subnet6_options(subnet), *snippet_lines(subnet.snippets), *pools]
    return braces(f"subnet6 {subnet.cidr}", lines)


def _faults(vlan: VlanFacts6, around: Surroundings) -> Iterator[str]:
    if not INTERFACE.fullmatch(vlan.interface):
        yield f"the rack has no usable interface on this VLAN (name {vlan.interface!r})"
    if vlan.interface in around.interfaces:
        yield f"interface {vlan.interface} already serves another VLAN"
    if vlan.address is None:
        yield "the rack has no global or unique local IPv6 address on this VLAN: give it one"
    elif not any(vlan.address in subnet.cidr for subnet in vlan.subnets):
        yield f"the rack's address {vlan.address} is in no subnet of this VLAN"
    if not MIN_LEASE_TIME <= vlan.lease_time <= MAX_LEASE_TIME:
        yield f"lease time {vlan.lease_time} is not in {MIN_LEASE_TIME}..{MAX_LEASE_TIME} seconds"
    yield from _network_faults(vlan, around)


def _network_faults(vlan: VlanFacts6, around: Surroundings) -> Iterator[str]:
    before = list(around.networks)
    for subnet in vlan.subnets:
        for network in before:
            if subnet.cidr.overlaps(network):
                yield f"subnets {network} and {subnet.cidr} overlap"
        before.append(subnet.cidr)
        whole = (Stretch(subnet.cidr[0], subnet.cidr[-1]),)
        for each in subnet.ranges:
            if each.end < each.start:
                yield f"range {each} ends before it starts"
            elif common((each,), whole) != (each,):
                yield f"range {each} is outside subnet {subnet.cidr}"
