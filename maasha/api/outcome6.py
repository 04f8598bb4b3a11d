"""What became of a VLAN's DHCPv6, and of its DHCP as a whole: the worse of the two families."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from maasha.api.outcome import (
    RUNNING,
    Outcome,
    Standing,
    outcome,
    pending,
    served,
    worst,
)
from maasha.db.overview import RackView
from maasha.db.vlans import RackName, VlanRow
from maasha.model.cluster import RackKey
from maasha.model.stamp import NEVER


def outcome_of_both(
    vlan: VlanRow, families: Collection[int], racks: Mapping[RackKey, RackView]
) -> Outcome:
    """Judge a VLAN that has something to hand out of these address families (4, 6)."""
    six = tuple(_judged(served(vlan, racks), families, racks))
    if vlan.dhcp_on and set(families) == {6}:
        return worst(six) or RUNNING
    four = outcome(vlan, racks)
    return worst((four, *six)) or four


def _judged(
    vlan: VlanRow, families: Collection[int], racks: Mapping[RackKey, RackView]
) -> Iterator[Outcome]:
    wanted = vlan.racks if vlan.dhcp_on and 6 in families else ()
    if vlan.dhcp_on and 6 in families and not wanted:
        yield pending("its primary rack is being chosen, see `maasha dhcp roles`")
    for name in wanted:
        yield _member(vlan, name, racks.get(name.key))
    for rack in racks.values():
        service = rack.six.service(vlan.id)
        if rack.name not in wanted and service is not None and service.running:
            yield pending(f"rack {rack.name.hostname} still hands out IPv6 addresses")


def _member(vlan: VlanRow, name: RackName, rack: RackView | None) -> Outcome:
    if rack is None:
        return pending(f"rack {name.hostname} is deleted")
    called, six = f"rack {name.hostname}", rack.six
    service = six.service(vlan.id)
    if six.failed == rack.wanted != NEVER:
        reason = f"{called} refused the configuration of DHCPv6"
        return Outcome(Standing.FAILED, reason, six.refusal)
    if service is not None and service.problem and six.judged == rack.wanted:
        reason = f"{called} cannot serve IPv6 on this VLAN"
        return Outcome(Standing.FAILED, reason, service.problem)
    if not rack.connected:
        return pending(f"{called} is not connected")
    if six.running < rack.wanted:
        return pending(f"{called} has not confirmed generation {rack.wanted} of DHCPv6")
    if service is None or not service.running:
        return pending(f"{called} gets IPv6 addresses when others' leases of them have ended")
    if six.serving:
        return RUNNING
    if six.problem:
        return Outcome(Standing.FAILED, f"{called}'s DHCPv6 server does not run", six.problem)
    return pending(f"{called}'s DHCPv6 server is starting")
