"""Who is to serve a VLAN now: its places, but for drains and for orders that racks have."""

from __future__ import annotations

from maasha.balancer.draining import serving
from maasha.dhcp.facts import Off, Pair, Solo, Wanted
from maasha.model.cluster import RackKey
from maasha.model.orders import OrderKind
from maasha.model.service import VlanSituation


def wish(vlan: VlanSituation) -> Wanted:
    """Give what is wanted; the racks that are not named are to be off.

    A rack of the VLAN that a person ordered to serve alone does, whoever else could: only people
    know whether the peer's host is off, and the order stands until one of them ends it. Of two that
    were ordered so the primary stays. A rack that was ordered to stop has no place, and nobody is
    asked in its stead. Whoever has no place on the VLAN any more is not kept by an order.
    """
    places = [rack for rack in (vlan.primary, vlan.secondary) if rack is not None]
    if not vlan.dhcp_on or vlan.primary is None:
        return Off()
    alone = [rack for rack in places if _ordered(vlan, rack) is OrderKind.SOLO]
    if alone:
        return Solo(alone[0], vlan.pairing)
    left = [rack for rack in places if _ordered(vlan, rack) is not OrderKind.STOP]
    drained = frozenset(member.rack for member in vlan.members if member.draining)
    first, second = (*left, None, None)[:2]
    primary, secondary = serving(first, second, drained)
    if primary is None:
        return Off()
    if secondary is None:
        return Solo(primary, vlan.pairing)
    return Pair(primary, secondary, vlan.pairing)


def _ordered(vlan: VlanSituation, rack: RackKey) -> OrderKind | None:
    return next((member.ordered for member in vlan.members if member.rack == rack), None)
