"""Whether a VLAN's primary and secondary may change places because a person asks for evenness."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from maasha.api.outcome import RUNNING, Outcome
from maasha.api.vlan_rules import with_pairing
from maasha.db.vlans import RackName, VlanRow
from maasha.model.roles import VlanRoles


def swap_refusal(vlan: VlanRow, roles: VlanRoles, outcome: Outcome, wanted: str = "") -> str:
    """Say why not, and what would mend it; empty: they may. `wanted` names the next primary."""
    return next(_objections(vlan, roles, outcome, wanted), "")


def is_primary(vlan: VlanRow, wanted: str) -> bool:
    """Whether a rack of this host name or system id is the primary already."""
    return vlan.primary is not None and _is_named(vlan.primary, wanted)


def swapped(vlan: VlanRow) -> VlanRow:
    """Give the VLAN with its racks swapped; who chose a rack chose it still."""
    after = evolve(
        vlan,
        primary=vlan.secondary,
        primary_by=vlan.secondary_by,
        secondary=vlan.primary,
        secondary_by=vlan.primary_by,
    )
    return with_pairing(vlan, after)


def _is_named(rack: RackName, name: str) -> bool:
    return name in (rack.hostname, rack.system_id)


def _objections(vlan: VlanRow, roles: VlanRoles, outcome: Outcome, wanted: str) -> Iterator[str]:
    if not vlan.dhcp_on or vlan.secondary is None:
        yield "no pair serves it"
    if wanted and vlan.secondary is not None and not _is_named(vlan.secondary, wanted):
        yield f"{wanted} is not of its pair; see `maasha dhcp roles` for who is"
    if not vlan.ha_auto:
        yield "ha_auto is off, so people choose its racks; name both in an update of the VLAN"
    for by in (vlan.primary_by, vlan.secondary_by):
        if by:
            yield f"{by} chose them; hand them back with ha_auto=true, or name both in an update"
    if outcome != RUNNING:
        yield f"it is {outcome.status}; wait until both racks are in state normal"
    for name in vlan.racks:
        if roles.candidate(name.key).draining:
            yield f"{name.hostname} is being drained; undo that first"
        elif outcome == RUNNING and not roles.candidate(name.key).linked:
            yield f"{name.hostname} is away, and its peer has taken over; wait until it is back"
