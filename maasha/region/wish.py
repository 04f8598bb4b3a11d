"""Who is to serve a VLAN now: its places, but for drains and for orders that racks have."""

from __future__ import annotations

from maasha.balancer.draining import serving
from maasha.dhcp.facts import Off, Pair, Solo, Wanted
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO
from maasha.model.orders import OrderKind
from maasha.model.service import VlanSituation


def wish(vlan: VlanSituation) -> Wanted:
    """Give what is wanted; the racks that are not named are to be off.

    A rack of the VLAN that a person ordered to serve alone does, whoever else could: only people
    know whether the peer's host is off, and the order stands until one of them ends it. Of two that
    were ordered so the primary stays. A rack that was ordered to stop has no place, and nobody is
    asked in its stead. Whoever has no place on the VLAN any more is not kept by an order.

    Before all that, whoever was vouched to be off and comes back is stopped: what it knows of
    leases is old, also after the order has ended.
    """
    places = [rack for rack in (vlan.primary, vlan.secondary) if rack is not None]
    if not vlan.dhcp_on or vlan.six_only or vlan.primary is None:
        return Off()
    last = _last_word(vlan)
    if last is not None:
        return Solo(last, vlan.pairing)
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


def _last_word(vlan: VlanSituation) -> RackKey | None:
    """Name the rack that serves alone while one that was vouched to be off may still run."""
    stale = [each for each in vlan.members if each.vouched_off]
    if all(each.running == each.asked == OFF for each in stale):
        return None
    sure = (each.rack for each in vlan.members if each.running == SOLO and not each.vouched_off)
    return next(sure, None)


def _ordered(vlan: VlanSituation, rack: RackKey) -> OrderKind | None:
    return next((member.ordered for member in vlan.members if member.rack == rack), None)
