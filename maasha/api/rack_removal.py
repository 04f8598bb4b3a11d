"""Who takes over a rack's VLANs when the rack is deleted."""

from __future__ import annotations

from attrs import evolve, frozen

from maasha.api.vlan_rules import with_pairing
from maasha.db.vlans import RackChoice, RackName, VlanRow


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


def succeed(vlan: VlanRow, gone: RackName, choices: tuple[RackChoice, ...]) -> Succession:
    """Decide who serves `vlan` without `gone`.

    The remaining rack is (or becomes) the primary; the first connected rack on the VLAN that has no
    part in it takes the free place; with nobody left, DHCP is off. A place in which nothing changes
    keeps its author, the others are automatic from now on.
    """
    remaining = tuple(rack for rack in vlan.racks if rack != gone)
    fresh = (
        choice.rack
        for choice in choices
        if choice.on_vlan and choice.connected and choice.rack not in (gone, *remaining)
    )
    members = (*remaining, *fresh)[: len(vlan.racks)]
    primary, secondary = (*members, None, None)[:2]
    dhcp_on = vlan.dhcp_on and primary is not None
    after = evolve(
        vlan,
        primary=primary,
        primary_by=vlan.primary_by if primary == vlan.primary else "",
        secondary=secondary,
        secondary_by=vlan.secondary_by if secondary == vlan.secondary else "",
        dhcp_on=dhcp_on,
    )
    linked = {choice.rack for choice in choices if choice.connected}
    return Succession(vlan, with_pairing(vlan, after), any(rack in linked for rack in members))
