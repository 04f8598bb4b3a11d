"""Who takes over a rack's VLANs when the rack is deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from maasha.api.vlan_rules import with_pairing
from maasha.db.vlans import RackChoice, RackName, VlanRow
from maasha.model.cluster import RackKey


@frozen
class Succession:
    """A VLAN of the rack before and after the rack is gone."""

    before: VlanRow
    after: VlanRow
    reached: bool
    """One of the racks after has a link; without one nobody can be told to serve."""

    @property
    def loses_dhcp(self) -> bool:
        """Nobody is left to serve a VLAN that was served, as far as is known."""
        return self.before.dhcp_on and not (self.after.dhcp_on and self.reached)


def succeed_all(
    vlans: Iterable[tuple[VlanRow, tuple[RackChoice, ...]]], gone: RackName
) -> list[Succession]:
    """Decide who serves each VLAN without `gone`; who takes one over is busier for the next."""
    taken = Counter[RackKey]()
    successions = []
    for vlan, choices in vlans:
        succession = succeed(vlan, gone, choices, taken)
        primary = succession.after.primary
        if primary is not None and primary != vlan.primary:
            taken[primary.key] += 1
        successions.append(succession)
    return successions


def succeed(
    vlan: VlanRow,
    gone: RackName,
    choices: tuple[RackChoice, ...],
    taken: Mapping[RackKey, int] | None = None,
) -> Succession:
    """Decide who serves `vlan` without `gone`; `taken` counts VLANs that racks take over besides.

    The remaining rack is (or becomes) the primary, and the other place is free: no rack that is
    not known to hear and reach the primary becomes its peer, so the leader fills it. With nobody
    left another rack is chosen at once, unless people choose (`ha_auto` is off); with nobody to
    choose, DHCP is off. A place in which nothing changes keeps its author, the others are automatic
    from now on.
    """
    remaining = tuple(rack for rack in vlan.racks if rack != gone)
    primary = remaining[0] if remaining else _fresh(vlan, gone, choices, taken or {})
    freed = vlan.secondary is not None
    after = evolve(
        vlan,
        primary=primary,
        primary_by=vlan.primary_by if primary == vlan.primary else "",
        secondary=None,
        secondary_by="" if freed else vlan.secondary_by,
        dhcp_on=vlan.dhcp_on and primary is not None,
    )
    linked = {choice.rack for choice in choices if choice.connected}
    return Succession(vlan, with_pairing(vlan, after), primary in linked)


def _fresh(
    vlan: VlanRow,
    gone: RackName,
    choices: tuple[RackChoice, ...],
    taken: Mapping[RackKey, int],
) -> RackName | None:
    """Choose a rack that can serve alone at once, the primary of the fewest VLANs."""
    if not (vlan.dhcp_on and vlan.ha_auto):
        return None
    fit = [choice for choice in choices if choice.fit and choice.rack != gone]
    chosen = min(fit, key=lambda one: one.primaries + taken.get(one.rack.key, 0), default=None)
    return None if chosen is None else chosen.rack
