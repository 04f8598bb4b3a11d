"""How DHCP stands, as JSON of our own: who serves, what that means, and how long it lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from maasha.api.answers import Json, JsonObject
from maasha.api.shapes import named_vlan
from maasha.db.vlans import VlanRow
from maasha.dhcp.advice import Wishes, advice, rounded, share
from maasha.dhcp.standing import endurance, servers, standing
from maasha.dhcp.states import meaning, mend
from maasha.model.event import Event
from maasha.model.standing import MemberStanding, VlanStanding

PLACES = ("primary", "secondary")


@frozen
class Network:
    """A VLAN, and `home` whose racks serve it: itself, or the one that it is relayed to."""

    row: VlanRow
    home: VlanRow
    addresses: int
    """Those of its dynamic ranges."""


def standing_json(
    network: Network, now: VlanStanding, alarms: Sequence[Event], at: datetime
) -> JsonObject:
    """Show how one VLAN stands."""
    row, home = network.row, network.home
    how = standing(now)
    found = endurance(now)
    names = {member.rack: member.hostname for member in now.members}
    subject = f"vlan:{row.id}"
    lasting: JsonObject | None = None
    if found is not None and home.dhcp_on:
        lasting = {
            "rack": names[found.rack],
            "addresses_left": found.left,
            "clients_per_hour": round(found.hourly, 1),
            "hours": rounded(found.hours),
        }
    return {
        **named_vlan(row),
        "dhcp_on": home.dhcp_on,
        "relay_vlan": None if home is row else named_vlan(home),
        "standing": how.name.lower().replace("_", "-"),
        "meaning": how.value,
        "racks": [_member(place, one, now, at) for place, one in _places(home, now)],
        "addresses": network.addresses,
        "endurance": lasting,
        "endurance_bound": row.endurance_bound,
        "take_over_after": row.take_over_after,
        "alarms": [_alarm(alarm) for alarm in alarms if alarm.subject == subject],
        "advice": list(advice_of(network, now)),
    }


def advice_of(network: Network, now: VlanStanding | None) -> tuple[str, ...]:
    """Give what there is to say of the size of a VLAN's pools, where DHCP is on."""
    home = network.home
    if not home.dhcp_on:
        return ()
    paired, lease_time = home.secondary is not None, network.row.lease_time
    return advice(Wishes(network.addresses, lease_time, paired, home.numbers.mclt), now)


def _places(home: VlanRow, now: VlanStanding) -> Sequence[tuple[str, MemberStanding]]:
    by_key: Mapping[object, MemberStanding] = {member.rack: member for member in now.members}
    places = zip(PLACES, (home.primary, home.secondary), strict=True)
    return [(place, by_key[name.key]) for place, name in places if name and name.key in by_key]


def _member(place: str, one: MemberStanding, vlan: VlanStanding, at: datetime) -> JsonObject:
    paired = one.paired
    count = one.count
    counted: JsonObject | None = None
    if count is not None and one.duty.value != "off":
        counted = {
            "total": count.total,
            "free": count.free,
            "backup": count.backup,
            "active": count.active,
            "returning": count.returning,
            "abandoned": count.abandoned,
            "own": share(one.duty),
            "age": None if one.counted is None else round((at - one.counted).total_seconds(), 1),
        }
    return {
        "rack": one.hostname,
        "place": place,
        "linked": one.linked,
        "serves": one in servers(vlan),
        "role": one.duty.value,
        "state": one.state.value if paired else None,
        "partner": one.partner.value if paired else None,
        "since": one.since.isoformat() if one.since and paired else None,
        "meaning": meaning(one.state) if paired else "",
        "mend": mend(one.state) if paired else "",
        "draining": one.draining,
        "ordered": one.ordered.value if one.ordered else None,
        "taken_over_by": one.replaced_by or None,
        "taken_over_since": one.replaced.isoformat() if one.replaced else None,
        "pools": counted,
    }


def _alarm(alarm: Event) -> Json:
    return {"kind": alarm.kind, "since": alarm.at.isoformat(), "detail": alarm.detail}
