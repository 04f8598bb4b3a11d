"""The text of dhcpd.conf(5) for one rack, from its facts and the roles it is to run now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address

from attrs import frozen

from maasha.dhcp.facts import RackFacts, VlanFacts
from maasha.dhcp.failover import block
from maasha.dhcp.faults import Surroundings, fault
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.pools import Span, pools
from maasha.model.dhcp import OFF, DhcpPlan, Role, VlanRole
from maasha.model.network import DEFAULT_LEASE_TIME, DEFAULT_MTU, Subnet, VlanId

OMAPI_PORT = 7911
OMAPI_KEY = "omapi_key"

# Without the threshold dhcpd answers a client that comes back within a quarter of its lease time
# from its cache and tells the peer nothing: a release at the peer, crossing that answer, frees the
# address on both while the client holds it (19 of 20 clients that released and asked at once).
HEAD = f"""\
# Written by maasha: changes made here by hand are overwritten.

authoritative;
dhcp-cache-threshold 0;
ddns-update-style none;
default-lease-time {DEFAULT_LEASE_TIME};
max-lease-time {DEFAULT_LEASE_TIME};
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
        else:
            served.append((vlan, role))
            around = around.joined(vlan)
    return Rendered(_plan(facts, served), tuple(problems))


def _plan(facts: RackFacts, served: Sequence[tuple[VlanFacts, Role]]) -> DhcpPlan:
    if not served:
        return DhcpPlan(facts.generation, EMPTY.config, EMPTY.interfaces, EMPTY.roles)
    blocks = [f"{block(role)}\n" for _, role in served if role.paired]
    networks = [_shared_network(vlan, role) for vlan, role in served]
    return DhcpPlan(
        generation=facts.generation,
        config="\n".join((HEAD, _omapi(facts.omapi_secret), *blocks, *networks)),
        interfaces=tuple(sorted(vlan.interface for vlan, _ in served)),
        roles=tuple(VlanRole(vlan.vlan, role, vlan.interface) for vlan, role in served),
    )


def _omapi(secret: str) -> str:
    """Open OMAPI; HMAC-MD5 is the one algorithm that pypureomapi speaks."""
    key = _braces(f"key {OMAPI_KEY}", ["algorithm HMAC-MD5;", f'secret "{secret}";'])
    return f"omapi-port {OMAPI_PORT};\n{key}omapi-key {OMAPI_KEY};\n"


def _shared_network(vlan: VlanFacts, role: Role) -> str:
    """Declare all subnets of the VLAN, those without a pool too: dhcpd must know its link."""
    lines = [f"default-lease-time {vlan.lease_time};", f"max-lease-time {vlan.lease_time};"]
    if vlan.mtu != DEFAULT_MTU:
        lines.append(f"option interface-mtu {vlan.mtu};")
    taken = [member.address for member in vlan.members if member.address is not None]
    for subnet in sorted(vlan.subnets, key=lambda entry: entry.cidr):
        lines.append(_subnet(subnet, role, taken))
    return _braces(f"shared-network vlan-{vlan.vlan}", lines)


def _subnet(subnet: Subnet, role: Role, taken: Sequence[IPv4Address]) -> str:
    lines = [*_options(subnet), *(_pool(span, role) for span in pools(subnet, taken))]
    return _braces(f"subnet {subnet.cidr.network_address} netmask {subnet.cidr.netmask}", lines)


def _options(subnet: Subnet) -> Iterator[str]:
    if subnet.gateway is not None:
        yield f"option routers {subnet.gateway};"
    if subnet.dns_servers:
        yield f"option domain-name-servers {', '.join(map(str, subnet.dns_servers))};"


def _pool(span: Span, role: Role) -> str:
    peer = [f'failover peer "{role.peer_name}";'] if role.paired else []
    return _braces("pool", [*peer, f"range {span.start} {span.end};"])


def _braces(head: str, lines: Sequence[str]) -> str:
    inner = (f"    {line}" for text in lines for line in text.splitlines())
    return "\n".join((f"{head} {{", *inner, "}\n"))
