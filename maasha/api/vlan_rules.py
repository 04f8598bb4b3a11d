"""What an update makes of a VLAN, or every reason why it cannot be done.

Rules, in this order: a cleared primary promotes the secondary; a primary that was the secondary
clears the secondary; the two differ and have an IPv4 address on this very VLAN (the same VID in
another fabric is another wire); DHCP needs a primary and a dynamic range, but where the primary is
chosen without a hand, a rack on the VLAN is enough. A change of members raises the pairing, so that
the new failover peers begin under a new name.

Who chose what: a place that the update names is the caller's from then on, also where it is to be
empty, and so is a primary that became it because the caller cleared the one before. Whatever else
moves by that is nobody's choice, so it is automatic. `ha_auto=true` makes the places automatic that
the update does not name.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from maasha.api.errors import FieldErrors
from maasha.api.fields import listed, shown
from maasha.api.forms import Absent, either
from maasha.api.submissions import VlanUpdate
from maasha.db.vlans import RackChoice, RackName, VlanRow
from maasha.model.network import VlanId
from maasha.model.options import Boot, PairNumbers

Authors = tuple[str, str]
"""Who chose the primary and the secondary."""


@frozen
class VlanSurroundings:
    """What the rules look at beside the VLAN."""

    racks: tuple[RackChoice, ...]
    dynamic_ranges: int
    relay: VlanRow | None = None
    """The VLAN that `relay_vlan` names; None: it names none, or there is no such VLAN."""
    relayed: tuple[VlanRow, ...] = ()
    """The VLANs that are relayed to this one."""
    serving: tuple[str, ...] = ()
    """The racks whose dhcpd runs for this VLAN itself, or may."""
    relaying: tuple[str, ...] = ()
    """The racks that serve it through its relay, or may still do so."""


def changed_vlan(
    before: VlanRow, update: VlanUpdate, around: VlanSurroundings, who: str
) -> VlanRow:
    """Give the VLAN as it is after the update; raises `FieldErrors` with all that is wrong.

    `who` asks for it, as events name him.
    """
    wrong: dict[str, tuple[str, ...]] = {}
    primary, secondary = _members(before, update, around, wrong)
    primary_by, secondary_by = _authors(before, update, secondary, who)
    wrong.update(_relay_faults(before, update, around))
    after = evolve(
        before,
        relay=_relay(before, update),
        name=either(update.name, before.name),
        description=either(update.description, before.description),
        mtu=either(update.mtu, before.mtu),
        dhcp_on=either(update.dhcp_on, before.dhcp_on),
        lease_time=either(update.lease_time, before.lease_time),
        numbers=_numbers(before.numbers, update),
        boot=_boot(before.boot, update),
        primary=primary,
        secondary=secondary,
        ha_auto=either(update.ha_auto, before.ha_auto),
        take_over_after=either(update.take_over_after, before.take_over_after),
        endurance_bound=either(update.endurance_bound, before.endurance_bound),
        primary_by=primary_by,
        secondary_by=secondary_by,
    )
    if after.dhcp_on and "primary_rack" not in wrong:
        wrong.update(_serving(after, around))
    wrong.update(_switching(before, after, around))
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
    if not (before.dhcp_on or after.dhcp_on or before.relay or after.relay):
        return False
    return _served(before) != _served(after)


def matters_to_roles(before: VlanRow, after: VlanRow) -> bool:
    """Whether something else may be done without a hand than before."""
    return _places(before) != _places(after)


def concerned(before: VlanRow, after: VlanRow) -> tuple[RackName, ...]:
    """Name the racks of both, each once."""
    return tuple(dict.fromkeys((*before.racks, *after.racks)))


def _served(vlan: VlanRow) -> tuple[object, ...]:
    told = (vlan.lease_time, vlan.mtu, vlan.numbers, vlan.boot)
    return (vlan.dhcp_on, vlan.racks, vlan.pairing, vlan.relay, *told)


def _relay(before: VlanRow, update: VlanUpdate) -> VlanId | None:
    """Say where it is relayed to; DHCP of its own ends that."""
    if update.dhcp_on is True and isinstance(update.relay_vlan, Absent):
        return None
    chosen = either(update.relay_vlan, before.relay)
    return None if chosen is None else VlanId(chosen)


def _relay_faults(
    before: VlanRow, update: VlanUpdate, around: VlanSurroundings
) -> dict[str, tuple[str, ...]]:
    wanted = update.relay_vlan
    if isinstance(wanted, Absent) or wanted is None:
        return {}
    texts = tuple(_against_relay(before, wanted, update, around))
    return {"relay_vlan": texts} if texts else {}


def _against_relay(
    before: VlanRow, wanted: int, update: VlanUpdate, around: VlanSurroundings
) -> Iterator[str]:
    if either(update.dhcp_on, before.dhcp_on):
        yield (
            f"VLAN {before.label} is served by racks on it; say dhcp_on=false as well, or leave "
            "relay_vlan empty."
        )
    if around.relay is None:
        yield f"There is no VLAN with the id {wanted}; see `fabrics read` for the ids."
    elif around.relay.id == before.id:
        yield "A VLAN cannot be relayed to itself; name another one."
    elif around.relay.relay is not None:
        yield f"VLAN {around.relay.label} is relayed itself; name one that racks are on."
    if around.relayed:
        names = listed([each.label for each in around.relayed])
        yield f"VLAN {before.label} is what {names} is relayed to; end that first."
    if not around.dynamic_ranges:
        yield (
            f"VLAN {before.label} needs a dynamic IPv4 range in a managed subnet of it: make one "
            "with ipranges."
        )
    if around.serving:
        yield (
            f"DHCP still runs on {listed(around.serving)} for VLAN {before.label}; try again when "
            "it has stopped."
        )
    if around.relaying and wanted != before.relay:
        yield (
            f"VLAN {before.label} is served by {listed(around.relaying)} through another relay, or "
            "may still be; say relay_vlan= first, and try again when they have stopped."
        )


def _switching(
    before: VlanRow, after: VlanRow, around: VlanSurroundings
) -> dict[str, tuple[str, ...]]:
    """Say why DHCP cannot be switched on or off now: two tables of leases, or nobody any more."""
    if after.dhcp_on and not before.dhcp_on and around.relaying:
        text = (
            f"VLAN {before.label} is served by {listed(around.relaying)} through its relay, or may "
            "still be; say relay_vlan= first, and try again when they have stopped."
        )
    elif before.dhcp_on and not after.dhcp_on and around.relayed:
        names = listed([each.label for each in around.relayed])
        text = f"{names} would have no DHCP either, being relayed to it; end that first."
    else:
        return {}
    return {"dhcp_on": (text,)}


def _numbers(before: PairNumbers, update: VlanUpdate) -> PairNumbers:
    return PairNumbers(
        mclt=either(update.mclt, before.mclt),
        split=either(update.split, before.split),
        max_response_delay=either(update.max_response_delay, before.max_response_delay),
    )


def _boot(before: Boot, update: VlanUpdate) -> Boot:
    return Boot(
        files=either(update.boot_files, before.files),
        server=either(update.next_server, before.server),
    )


def _places(vlan: VlanRow) -> tuple[object, ...]:
    places = (vlan.primary, vlan.primary_by, vlan.secondary, vlan.secondary_by)
    return (vlan.dhcp_on, vlan.ha_auto, *places)


def _authors(before: VlanRow, update: VlanUpdate, secondary: RackName | None, who: str) -> Authors:
    """Say who chose the places, the secondary being the one after the update."""
    handed_back = update.ha_auto is True
    if not isinstance(update.primary_rack, Absent):
        primary_by = who
    else:
        primary_by = "" if handed_back else before.primary_by
    if not isinstance(update.secondary_rack, Absent):
        promoted = bool(update.secondary_rack) and secondary is None
        return primary_by, "" if promoted else who
    left_alone = secondary == before.secondary and not handed_back
    return primary_by, before.secondary_by if left_alone else ""


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
            if choice.lost:
                wrong[field] = (
                    f"Rack {choice.rack.hostname} was declared lost; bring it back first, or "
                    f"{_choices(around)}.",
                )
            elif not choice.on_vlan:
                wrong[field] = (
                    f"Rack {choice.rack.hostname} has no interface with an IPv4 address on VLAN "
                    f"{vlan.label}; {_choices(around)}.",
                )
            return choice.rack
    wrong[field] = (f"{shown(submitted)} is no rack's system id or host name; {_choices(around)}.",)
    return None


def _choices(around: VlanSurroundings) -> str:
    names = [choice.rack.hostname for choice in _present(around)]
    return f"choose from {', '.join(names)}" if names else "no rack is on this VLAN yet"


def _present(around: VlanSurroundings) -> tuple[RackChoice, ...]:
    return tuple(choice for choice in around.racks if choice.on_vlan and not choice.lost)


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


def _will_be_chosen(vlan: VlanRow, around: VlanSurroundings) -> bool:
    """Whether the leader gives it a primary, as soon as a rack on it is fit."""
    return vlan.ha_auto and not vlan.primary_by and bool(_present(around))


def _without_primary(around: VlanSurroundings) -> str:
    if not _present(around):
        return "a primary rack, and no rack is on this VLAN yet: connect one, or dhcp_on=false"
    return "a primary rack: set primary_rack as well, or ha_auto=true to have it chosen"


def _serving(after: VlanRow, around: VlanSurroundings) -> dict[str, tuple[str, ...]]:
    missing = []
    if after.primary is None and not _will_be_chosen(after, around):
        missing.append(_without_primary(around))
    if not around.dynamic_ranges:
        missing.append("a dynamic IPv4 range in a managed subnet of it: make one with ipranges")
    if not missing:
        return {}
    return {"dhcp_on": tuple(f"DHCP on VLAN {after.label} needs {each}." for each in missing)}
