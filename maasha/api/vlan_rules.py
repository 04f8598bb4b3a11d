"""What an update makes of a VLAN, or every reason why it cannot be done.

Rules, in this order: a cleared primary promotes the secondary; a primary that was the secondary
clears the secondary; the two differ and have an IPv4 address on this very VLAN (the same VID in
another fabric is another wire); DHCP needs a primary and a dynamic range. A change of members
raises the pairing, so that the new failover peers begin under a new name.
"""

from __future__ import annotations

from attrs import evolve, frozen

from maasha.api.errors import FieldErrors
from maasha.api.fields import shown
from maasha.api.forms import Absent, either
from maasha.api.submissions import VlanUpdate
from maasha.db.vlans import RackChoice, RackName, VlanRow


@frozen
class VlanSurroundings:
    """What the rules look at beside the VLAN."""

    racks: tuple[RackChoice, ...]
    dynamic_ranges: int


def changed_vlan(before: VlanRow, update: VlanUpdate, around: VlanSurroundings) -> VlanRow:
    """Give the VLAN as it is after the update; raises `FieldErrors` with all that is wrong."""
    wrong: dict[str, tuple[str, ...]] = {}
    primary, secondary = _members(before, update, around, wrong)
    after = evolve(
        before,
        name=either(update.name, before.name),
        description=either(update.description, before.description),
        mtu=either(update.mtu, before.mtu),
        dhcp_on=either(update.dhcp_on, before.dhcp_on),
        lease_time=either(update.lease_time, before.lease_time),
        primary=primary,
        secondary=secondary,
    )
    if after.dhcp_on and "primary_rack" not in wrong:
        wrong.update(_serving(after, around))
    if wrong:
        raise FieldErrors(wrong)
    return with_pairing(before, after)


def with_pairing(before: VlanRow, after: VlanRow) -> VlanRow:
    """Raise the pairing when the members are others than before."""
    if before.racks == after.racks:
        return after
    return evolve(after, pairing=before.pairing + 1)


def matters_to_dhcp(before: VlanRow, after: VlanRow) -> bool:
    """Whether a rack's dhcpd.conf differs between the two."""
    if not (before.dhcp_on or after.dhcp_on):
        return False
    return _served(before) != _served(after)


def concerned(before: VlanRow, after: VlanRow) -> tuple[RackName, ...]:
    """Name the racks of both, each once."""
    return tuple(dict.fromkeys((*before.racks, *after.racks)))


def _served(vlan: VlanRow) -> tuple[object, ...]:
    return (vlan.dhcp_on, vlan.racks, vlan.lease_time, vlan.mtu, vlan.pairing)


def _members(
    before: VlanRow, update: VlanUpdate, around: VlanSurroundings, wrong: dict[str, tuple[str, ...]]
) -> tuple[RackName | None, RackName | None]:
    primary, secondary = before.primary, before.secondary
    if not isinstance(update.primary_rack, Absent):
        primary = _rack("primary_rack", update.primary_rack, before, around, wrong)
        if primary is not None and primary == secondary:
            secondary = None
    if not isinstance(update.secondary_rack, Absent):
        secondary = _rack("secondary_rack", update.secondary_rack, before, around, wrong)
    if wrong:
        return primary, secondary
    if update.primary_rack == "":
        return secondary, None
    if secondary is not None:
        wrong.update(_pair(primary, secondary, update))
    return primary, secondary


def _rack(
    field: str,
    submitted: str,
    vlan: VlanRow,
    around: VlanSurroundings,
    wrong: dict[str, tuple[str, ...]],
) -> RackName | None:
    if not submitted:
        return None
    for choice in around.racks:
        if submitted in (choice.rack.system_id, choice.rack.hostname):
            if not choice.on_vlan:
                wrong[field] = (
                    f"Rack {choice.rack.hostname} has no interface with an IPv4 address on VLAN "
                    f"{vlan.label}; {_choices(around)}.",
                )
            return choice.rack
    wrong[field] = (f"{shown(submitted)} is no rack's system id or host name; {_choices(around)}.",)
    return None


def _choices(around: VlanSurroundings) -> str:
    names = [choice.rack.hostname for choice in around.racks if choice.on_vlan]
    return f"choose from {', '.join(names)}" if names else "no rack is on this VLAN yet"


def _pair(
    primary: RackName | None, secondary: RackName, update: VlanUpdate
) -> dict[str, tuple[str, ...]]:
    if primary is None:
        return {
            "secondary_rack": (
                f"{secondary.hostname} cannot stand by for nobody; set primary_rack as well.",
            )
        }
    if primary != secondary:
        return {}
    if isinstance(update.primary_rack, Absent):
        text = f"{primary.hostname} is the primary rack already; name another or none."
    else:
        text = f"The primary and the secondary rack must be different; both are {primary.hostname}."
    return {"secondary_rack": (text,)}


def _serving(after: VlanRow, around: VlanSurroundings) -> dict[str, tuple[str, ...]]:
    missing = []
    if after.primary is None:
        missing.append("a primary rack: set primary_rack as well, or dhcp_on=false")
    if not around.dynamic_ranges:
        missing.append("a dynamic IPv4 range in a managed subnet of it: make one with ipranges")
    if not missing:
        return {}
    return {"dhcp_on": tuple(f"DHCP on VLAN {after.label} needs {each}." for each in missing)}
