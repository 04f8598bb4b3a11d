"""The text of dhcpd.conf(5) for one rack, from its facts and the roles it is to run now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address

from attrs import evolve, frozen

from maasha.dhcp.facts import RackFacts, VlanFacts
from maasha.dhcp.failover import block
from maasha.dhcp.family import IPV4, Family
from maasha.dhcp.faults import Surroundings, fault, relayed_fault
from maasha.dhcp.lease_log import STATEMENTS
from maasha.dhcp.options import ARCHITECTURE, boot_options, subnet_options
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.pools import Span, pools
from maasha.dhcp.probe_client import NAME, ignored
from maasha.dhcp.snippets import snippet_lines
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, DhcpPlan, Role, VlanRole
from maasha.model.network import (
    DEFAULT_LEASE_TIME,
    DEFAULT_MTU,
    RelayedVlan,
    Subnet,
    VlanId,
)

OMAPI_KEY = "omapi_key"

# Without the threshold dhcpd answers a client that comes back within a quarter of its lease time
# from its cache and tells the peer nothing: a release at the peer, crossing that answer, frees the
# address on both while the client holds it (19 of 20 clients that released and asked at once).
# Without the check a peer that knows the lease confirms also a request that names its partner; the
# client may then renew at the one that does not own the lease, which answers nothing.
# The option of the architectures is known whatever there is to boot: snippets may ask for it, and
# what a person orders on the spot takes no statement from under them (`maasha.dhcp.effective`).
HEAD = f"""\
# Written by maasha: changes made here by hand are overwritten.

authoritative;
dhcp-cache-threshold 0;
server-id-check on;
ddns-update-style none;
default-lease-time {DEFAULT_LEASE_TIME};
max-lease-time {DEFAULT_LEASE_TIME};
{ARCHITECTURE}
"""


@frozen
class Problem:
    """Why a VLAN is not served by this rack, for people."""

    vlan: VlanId
    reason: str


@frozen
class Rendered:
    """A plan for everything that can be served, and the VLANs that had to be left out."""

    plan: DhcpPlan
    problems: tuple[Problem, ...]


def render(facts: RackFacts, roles: Mapping[VlanId, Role]) -> Rendered:
    """Render every VLAN in which the rack has a role; a faulty one harms no other.

    The same facts give the same text. With no VLAN left the plan is empty: no server is to run.
    """
    served: list[tuple[VlanFacts, Role]] = []
    problems: list[Problem] = []
    around = Surroundings()
    for vlan in sorted(facts.vlans, key=lambda entry: entry.vlan):
        role = roles.get(vlan.vlan, OFF)
        if role == OFF:
            continue
        reason = fault(vlan, role, facts.rack, around)
        if reason:
            problems.append(Problem(vlan.vlan, reason))
            continue
        around = around.joined(vlan)
        relayed = []
        for other in sorted(vlan.relayed, key=lambda entry: entry.vlan):
            reason = relayed_fault(other, around)
            if reason:
                problems.append(Problem(other.vlan, reason))
            else:
                relayed.append(other)
                around = around.with_networks(other.subnets)
        served.append((evolve(vlan, relayed=tuple(relayed)), role))
    return Rendered(_plan(facts, served), tuple(problems))


def _plan(facts: RackFacts, served: Sequence[tuple[VlanFacts, Role]]) -> DhcpPlan:
    if not served:
        return DhcpPlan(facts.generation, EMPTY.config, EMPTY.interfaces, EMPTY.roles)
    blocks = [f"{block(role, vlan.numbers)}\n" for vlan, role in served if role.paired]
    networks = [text for vlan, role in served for text in _shared_networks(vlan, role, facts.rack)]
    own = [f"{line}\n" for line in ("\n".join(snippet_lines(facts.snippets)),) if line]
    secret = facts.omapi_secret
    ours = (omapi(secret, IPV4), STATEMENTS, braces(f"host {NAME}", ignored(secret)))
    return DhcpPlan(
        generation=facts.generation,
        config="\n".join((HEAD, *ours, *own, *blocks, *networks)),
        interfaces=tuple(sorted(vlan.interface for vlan, _ in served)),
        roles=tuple(_vlan_role(vlan, role) for vlan, role in served),
        hosts=facts.hosts,
    )


def _vlan_role(vlan: VlanFacts, role: Role) -> VlanRole:
    return VlanRole(vlan.vlan, role, vlan.interface, tuple(each.vlan for each in vlan.relayed))


def omapi(secret: str, family: Family) -> str:
    """Open OMAPI; HMAC-MD5 is the one algorithm that pypureomapi speaks."""
    key = braces(f"key {OMAPI_KEY}", ["algorithm HMAC-MD5;", f'secret "{secret}";'])
    return f"omapi-port {family.omapi_port};\n{key}omapi-key {OMAPI_KEY};\n"


@frozen
class _Served:
    """A VLAN that is served, and all that its networks are written with."""

    vlan: VlanFacts
    role: Role
    here: IPv4Address | None
    """The rack's own address there."""
    taken: tuple[IPv4Address, ...]
    """The racks' addresses, which nobody is to lease."""


def _shared_networks(vlan: VlanFacts, role: Role, rack: RackKey) -> Iterator[str]:
    """Declare a VLAN and those that are relayed to it; their pools are the same pair's."""
    own = vlan.member(rack)
    taken = tuple(member.address for member in vlan.members if member.address is not None)
    served = _Served(vlan, role, own.address if own else None, taken)
    return (_shared_network(network, served) for network in vlan.networks)


def _shared_network(network: VlanFacts | RelayedVlan, served: _Served) -> str:
    """Declare all subnets of the network, those without a pool too: dhcpd must know its link."""
    lines = [f"default-lease-time {network.lease_time};", f"max-lease-time {network.lease_time};"]
    if network.mtu != DEFAULT_MTU:
        lines.append(f"option interface-mtu {network.mtu};")
    lines.extend(boot_options(network.boot, served.here))
    for subnet in sorted(network.subnets, key=lambda entry: entry.cidr):
        lines.append(_subnet(subnet, served))
    return braces(f"shared-network vlan-{network.vlan}", lines)


def _subnet(subnet: Subnet, served: _Served) -> str:
    lines = [*subnet_options(subnet, served.vlan.name_servers(subnet))]
    lines.extend(snippet_lines(subnet.snippets))
    lines.extend(_pool(span, served.role) for span in pools(subnet, served.taken))
    return braces(f"subnet {subnet.cidr.network_address} netmask {subnet.cidr.netmask}", lines)


def _pool(span: Span, role: Role) -> str:
    peer = [f'failover peer "{role.peer_name}";'] if role.paired else []
    span_line = f"range {span.start} {span.end};"
    return braces("pool", [*peer, span_line, *snippet_lines(span.snippets)])


def braces(head: str, lines: Sequence[str]) -> str:
    """Write a block, its lines indented."""
    inner = (f"    {line}" for text in lines for line in text.splitlines())
    return "\n".join((f"{head} {{", *inner, "}\n"))
