"""The leases that a rack's own dhcpd has on disk, chosen and set out for people; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from attrs import frozen

from maasha.cli.tables import table
from maasha.dhcp.pools import Span
from maasha.model.lease import BindingState, Lease
from maasha.model.network import VlanId

HEADS = "ADDRESS", "MAC", "HOST NAME", "VLAN", "STATE", "ENDS"


@frozen
class Choice:
    """Which leases are wanted; what is None chooses all."""

    vlan: VlanId | None = None
    mac: str | None = None
    addresses: IPv4Network | None = None
    everything: bool = False
    """Those too that nobody holds now."""


@frozen
class Listed:
    """A lease with the VLAN in whose ranges it is; None: it is in none of the plan's."""

    lease: Lease
    vlan: VlanId | None
    state: str
    """`expired` for one that is active by the file's last word, but whose time is over."""


def chosen(
    leases: Iterable[Lease], spans: Mapping[VlanId, tuple[Span, ...]], choice: Choice, now: datetime
) -> list[Listed]:
    """Give the newest word on each address that is wanted, by address."""
    newest = {lease.ip: lease for lease in leases}
    listed = (_listed(newest[ip], spans, now) for ip in sorted(newest))
    return [each for each in listed if _wanted(each, choice)]


def shown(listed: Iterable[Listed]) -> str:
    """Set them out in a table."""
    return table(HEADS, [_row(each) for each in listed])


def _listed(lease: Lease, spans: Mapping[VlanId, tuple[Span, ...]], now: datetime) -> Listed:
    vlan = None if isinstance(lease.ip, IPv6Address) else _vlan_of(lease.ip, spans)
    over = lease.state is BindingState.ACTIVE and lease.ends is not None and lease.ends <= now
    return Listed(lease, vlan, "expired" if over else lease.state.value)


def _vlan_of(ip: IPv4Address, spans: Mapping[VlanId, tuple[Span, ...]]) -> VlanId | None:
    return next((key for key, held in spans.items() if any(ip in each for each in held)), None)


def _wanted(each: Listed, choice: Choice) -> bool:
    lease = each.lease
    return (
        (choice.everything or each.state == BindingState.ACTIVE.value)
        and (choice.vlan is None or each.vlan == choice.vlan)
        and (choice.mac is None or lease.mac == choice.mac)
        and (choice.addresses is None or lease.ip in choice.addresses)
    )


def _row(each: Listed) -> tuple[str, ...]:
    lease = each.lease
    ends = "never" if lease.ends is None else lease.ends.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    vlan = "" if each.vlan is None else str(each.vlan)
    return str(lease.ip), lease.mac, lease.hostname, vlan, each.state, ends
