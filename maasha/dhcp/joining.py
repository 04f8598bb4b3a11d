"""What a rack must forget of its leases before its dhcpd joins a failover pair.

A peer that comes back with what it knew before it was away can overwrite newer leases of its
partner with older ones. The partner has served meanwhile: the joiner is to know nothing of the VLAN
and to learn all from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address

from attrs import frozen

from maasha.dhcp.pools import Span
from maasha.dhcp.records import Record, prune
from maasha.model.dhcp import DhcpPlan, Duty, Role
from maasha.model.network import VlanId

NETWORK = re.compile(r"^shared-network vlan-(\d+) \{$(.*?)^\}$", re.DOTALL | re.MULTILINE)
RANGE = re.compile(r"^ +range (\S+) (\S+);$", re.MULTILINE)
POOL = re.compile(r'^ +failover peer "([^"]+)";\n +range (\S+) (\S+);$', re.MULTILINE)


@frozen
class Past:
    """Failover peers whose state, and addresses whose leases, are not to be known any more."""

    peers: frozenset[str] = frozenset()
    spans: tuple[Span, ...] = ()

    def holds(self, record: Record) -> bool:
        """Whether this record of the leases file belongs to the past."""
        address = record.address
        if address is None:
            return record.peer in self.peers
        return any(address in span for span in self.spans)


def past(plan: DhcpPlan, before: DhcpPlan | None) -> Past:
    """Say what to forget between two plans.

    The state of every pair that is new to this rack, and all leases of a VLAN that the rack did not
    serve and now joins as a secondary.
    """
    known = _roles(before)
    new = [entry for entry in plan.roles if _is_new(entry.role, known)]
    joined = [
        entry.role.peer_name
        for entry in new
        if entry.role.duty is Duty.SECONDARY and entry.vlan not in known
    ]
    peers = frozenset(entry.role.peer_name for entry in new)
    return Past(peers, tuple(span for peer in joined for span in spans(plan.config, peer)))


def new_primaries(plan: DhcpPlan, before: DhcpPlan | None) -> tuple[Role, ...]:
    """Give the roles in which this rack begins to depend on a secondary."""
    known = _roles(before)
    roles = (entry.role for entry in plan.roles)
    return tuple(role for role in roles if role.duty is Duty.PRIMARY and _is_new(role, known))


def ranges(config: str) -> Mapping[VlanId, tuple[Span, ...]]:
    """Read back which addresses a text of `maasha.dhcp.render` has dhcpd lease on each VLAN."""
    return {
        VlanId(int(vlan)): tuple(
            Span(IPv4Address(start), IPv4Address(end)) for start, end in RANGE.findall(body)
        )
        for vlan, body in NETWORK.findall(config)
    }


def spans(config: str, peer: str) -> tuple[Span, ...]:
    """Read back which addresses a text of `maasha.dhcp.render` has a failover peer lease.

    They are those of the peer's VLAN and of the VLANs that are relayed to it.
    """
    found = (POOL.findall(body) for _, body in NETWORK.findall(config))
    ranges = (ends for pools in found for name, *ends in pools if name == peer)
    return tuple(Span(IPv4Address(start), IPv4Address(end)) for start, end in ranges)


def forget(leases: str, gone: Past) -> str:
    """Give the leases file without the past, without hosts, and without records cut short.

    Hosts are declared in the configuration alone. dhcpd writes one here when it is changed over
    OMAPI, and the trace of a deleted one hides the configured one for ever.
    """
    return prune(leases, lambda record: record.host or gone.holds(record))


def _roles(plan: DhcpPlan | None) -> dict[VlanId, Role]:
    return {} if plan is None else {entry.vlan: entry.role for entry in plan.roles}


def _is_new(role: Role, known: dict[VlanId, Role]) -> bool:
    return role.paired and role.peer_name not in {old.peer_name for old in known.values()}
