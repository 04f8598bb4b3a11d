"""VLANs' places, who might fill them and what is decided about them, as JSON of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

from attrs import frozen

from maasha.api.answers import Json, JsonObject
from maasha.api.forms import either
from maasha.api.outcome import RUNNING
from maasha.api.picture import Picture
from maasha.api.placement_shapes import pause_json
from maasha.api.role_words import kind, swap_reason, why
from maasha.api.shapes import named_vlan, uri
from maasha.api.submissions import RolesPage
from maasha.balancer.rearranging import Swap
from maasha.balancer.roles import Decision, Lack, Settled, shortcomings
from maasha.db.drains import PauseView
from maasha.model.cluster import RackKey, SystemId
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, VlanRoles

PAGE = 100


@frozen
class RoleSituation:
    """All that is shown, read at one moment; `decisions` are in the order of the VLANs.

    `swaps` would even the primaries; `stops` is what keeps automatic changes from being made.
    """

    vlans: tuple[VlanRoles, ...]
    decisions: tuple[Decision, ...]
    swaps: tuple[Swap, ...]
    picture: Picture
    now: datetime
    pause: PauseView | None = None
    stops: tuple[str, ...] = ()


def working(picture: Picture) -> frozenset[VlanId]:
    """Name the VLANs whose pairs are in state normal on both sides."""
    return frozenset(
        vlan.id
        for vlan in picture.networks.vlans.values()
        if vlan.dhcp_on and vlan.secondary is not None and picture.outcomes[vlan.id] == RUNNING
    )


def roles_json(seen: RoleSituation, page: RolesPage) -> JsonObject:
    """Show a page of VLANs, and which swaps would even the primaries of all.

    `next_uri` leads to the next page, null when there is none.
    """
    by_id = {roles.vlan: roles for roles in seen.vlans}
    decisions = dict(zip(by_id, seen.decisions, strict=True))
    chosen = [vlan for vlan in _chosen(seen.picture, page) if vlan in by_id]
    limit, offset = either(page.limit, PAGE), either(page.offset, 0)
    end = offset + limit
    vlans: list[Json] = [_vlan(by_id[vlan], decisions[vlan], seen) for vlan in chosen[offset:end]]
    return {
        "count": len(vlans),
        "vlans": vlans,
        "next_uri": _next_uri(page, limit, end) if end < len(chosen) else None,
        "plan": [_swap(by_id[swap.vlan], swap, seen) for swap in seen.swaps],
        "pause": pause_json(seen.pause),
        "stops": list(seen.stops),
    }


def _chosen(picture: Picture, page: RolesPage) -> Iterator[VlanId]:
    """Give the VLANs that are asked for."""
    for row in picture.networks.vlans.values():
        if (not page.vlan or row.id in page.vlan) and (
            not page.fabric or row.fabric in page.fabric
        ):
            yield row.id


def _next_uri(page: RolesPage, limit: int, offset: int) -> str:
    query = {"vlan": page.vlan, "fabric": page.fabric, "limit": limit, "offset": offset}
    return f"{uri('dhcp-roles')}?{urlencode(query, doseq=True)}"


def _vlan(roles: VlanRoles, decision: Decision, seen: RoleSituation) -> JsonObject:
    row = seen.picture.networks.vlans[roles.vlan]
    ids = {rack.name.key: rack.name.system_id for rack in seen.picture.racks}
    ids |= {name.key: name.system_id for name in row.racks}
    lacks = {} if isinstance(decision, Settled) else shortcomings(roles, seen.now)
    return {
        **named_vlan(row),
        "dhcp_on": roles.dhcp_on,
        "dhcp_status": seen.picture.outcomes[row.id].status,
        "ha_auto": roles.ha_auto,
        "primary": row.primary.hostname if row.primary else None,
        "primary_by": roles.primary.author,
        "secondary": row.secondary.hostname if row.secondary else None,
        "secondary_by": roles.secondary.author,
        "candidates": [_candidate(one, ids, lacks, seen.now) for one in roles.candidates],
        "decision": kind(decision).value,
        "why": why(roles, decision),
    }


def _candidate(
    one: Candidate,
    ids: Mapping[RackKey, SystemId],
    lacks: Mapping[RackKey, tuple[Lack, ...]],
    now: datetime,
) -> JsonObject:
    """Show a rack with the evidence about it and the primary: ages and offset in seconds."""
    evidence = one.evidence
    return {
        "rack": one.hostname,
        "system_id": ids.get(one.rack),
        "linked": one.linked,
        "lost": one.lost,
        "draining": one.draining,
        "has_address": evidence.address,
        "probed_age": _age(evidence.probed, now),
        "reached_age": _age(evidence.reached, now),
        "clock_offset": None if evidence.clock_offset is None else round(evidence.clock_offset, 3),
        "lacks": [lack.value for lack in lacks.get(one.rack, ())],
    }


def _age(seen: datetime | None, now: datetime) -> float | None:
    return None if seen is None else round((now - seen).total_seconds(), 1)


def _swap(roles: VlanRoles, swap: Swap, seen: RoleSituation) -> JsonObject:
    return {
        **named_vlan(seen.picture.networks.vlans[swap.vlan]),
        "primary": roles.candidate(swap.primary).hostname,
        "secondary": roles.candidate(swap.secondary).hostname,
        "reason": swap_reason(roles, swap),
    }
