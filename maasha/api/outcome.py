"""What became of a VLAN's DHCP, from rows: `running`, `pending: why`, `failed: why` or `off`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from attrs import evolve, frozen

from maasha.balancer.draining import serving
from maasha.db.overview import RackView, ServiceView
from maasha.db.vlans import RackName, VlanRow
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, Duty, PeerState
from maasha.model.orders import OrderKind, order_on


class Standing(Enum):
    """How a VLAN's DHCP stands."""

    OFF = "off"
    RUNNING = "running"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class Outcome:
    """A standing, why it is so, and dhcpd's own words where it refused."""

    standing: Standing
    reason: str = ""
    problem: str = ""

    @property
    def status(self) -> str:
        """The text of `dhcp_status`."""
        return f"{self.standing.value}: {self.reason}" if self.reason else self.standing.value


RUNNING = Outcome(Standing.RUNNING)
STOPPED = (
    "its racks were ordered on the spot to stop; `maasha-rack dhcp resume` there or "
    "`maasha PROFILE rack-controller resume-dhcp ID` ends that"
)


def outcome(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> Outcome:
    """Judge a VLAN; one rack that failed outweighs one that is awaited, whoever else serves.

    While a rack is drained, was ordered on the spot to stop, or is off and its peer has taken
    over, that peer is to serve alone.
    """
    ordered = [_ordered(vlan, rack.key, racks) for rack in vlan.racks]
    if vlan.dhcp_on and ordered and all(order is OrderKind.STOP for order in ordered):
        return pending(STOPPED)
    vlan = served(vlan, racks)
    found = tuple(_judged(vlan, racks)) if vlan.dhcp_on else tuple(_leaving(vlan, racks))
    return worst(found) or (RUNNING if vlan.dhcp_on else Outcome(Standing.OFF))


def worst(found: Iterable[Outcome]) -> Outcome | None:
    """Give the first that failed, else the first that is awaited; None: all is well."""
    several = tuple(found)
    for standing in (Standing.FAILED, Standing.PENDING):
        for each in several:
            if each.standing is standing:
                return each
    return None


def relayed(
    vlan: VlanRow, target: VlanRow, there: Outcome, racks: Mapping[RackKey, RackView]
) -> Outcome:
    """Judge a VLAN that is relayed to `target`, of which `there` was judged."""
    for name in target.racks:
        rack = racks.get(name.key)
        service = rack and _service(vlan, rack)
        if rack and service and service.problem and rack.judged == rack.wanted:
            reason = f"rack {name.hostname} cannot serve this VLAN"
            return Outcome(Standing.FAILED, reason, service.problem)
    if there.standing is Standing.OFF:
        return Outcome(Standing.OFF, f"DHCP is off on VLAN {target.label}, which it is relayed to")
    return there


def served(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> VlanRow:
    """Give the VLAN with those who are to serve it now."""
    able = _able(vlan, racks)
    primary, secondary = (*able, None, None)[:2]
    known = [racks[key] for key in able if key in racks]
    drained = frozenset(rack.name.key for rack in known if rack.is_resting(vlan.id))
    chosen = serving(primary, secondary, drained)
    if len([key for key in chosen if key is not None]) == len(vlan.racks):
        return vlan
    left = next((rack for rack in vlan.racks if rack.key == chosen[0]), None)
    return evolve(vlan, primary=left, secondary=None)


def _able(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> list[RackKey]:
    """Name its racks without those that an order on the spot keeps from serving it."""
    ordered = {rack.key: _ordered(vlan, rack.key, racks) for rack in vlan.racks}
    alone = [key for key, order in ordered.items() if order is OrderKind.SOLO]
    return alone[:1] or [key for key, order in ordered.items() if order is not OrderKind.STOP]


def _ordered(vlan: VlanRow, rack: RackKey, racks: Mapping[RackKey, RackView]) -> OrderKind | None:
    return order_on(racks[rack].orders, vlan.id) if rack in racks else None


def _judged(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> Iterator[Outcome]:
    if vlan.primary is None:
        yield _choosing(vlan, racks)
    paired = vlan.secondary is not None
    duties = (Duty.PRIMARY if paired else Duty.SOLO, Duty.SECONDARY)
    for name, duty in zip(vlan.racks, duties, strict=False):
        yield _member(vlan, name, duty, racks.get(name.key))
    yield from _leaving(vlan, racks)


def _choosing(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> Outcome:
    """Say why nobody serves where the rack is chosen without a hand."""
    there = [rack for rack in racks.values() if rack.connected and rack.is_on(vlan.id)]
    if any(not rack.draining for rack in there):
        return pending("its primary rack is being chosen, see `maasha dhcp roles`")
    if there:
        return pending("each rack that could serve it is drained; undo a drain, or name a rack")
    return pending("no rack with an IPv4 address on this VLAN is connected")


def _leaving(vlan: VlanRow, racks: Mapping[RackKey, RackView]) -> Iterator[Outcome]:
    for rack in racks.values():
        service = _service(vlan, rack)
        if rack.name not in _wanted(vlan) and service is not None and service.running != OFF:
            yield pending(f"rack {rack.name.hostname} still serves this VLAN")


def _wanted(vlan: VlanRow) -> tuple[RackName, ...]:
    return vlan.racks if vlan.dhcp_on else ()


def _member(vlan: VlanRow, name: RackName, duty: Duty, rack: RackView | None) -> Outcome:
    if rack is None:
        return pending(f"rack {name.hostname} is deleted")
    called = f"rack {name.hostname}"
    service = _service(vlan, rack)
    if rack.refused:
        return Outcome(Standing.FAILED, f"{called} refused the configuration", rack.refusal)
    if service is not None and service.problem and rack.judged == rack.wanted:
        return Outcome(Standing.FAILED, f"{called} cannot serve this VLAN", service.problem)
    if rack.lost is not None:
        return pending(f"{called} was declared lost; {_instead(vlan)}; see `maasha dhcp roles`")
    if not rack.connected:
        return pending(f"{called} is not connected")
    if rack.running < rack.wanted:
        return pending(f"{called} has not confirmed generation {rack.wanted}")
    if not rack.serving:
        return _not_serving(called, rack.problem)
    return _in_duty(called, duty, service)


def _instead(vlan: VlanRow) -> str:
    """Say how another rack takes the place of one that is lost for good."""
    if vlan.ha_auto:
        return "another one takes its place when one is fit, or name one"
    return "name another rack, or ha_auto=true"


def _not_serving(called: str, problem: str) -> Outcome:
    if problem:
        return Outcome(Standing.FAILED, f"{called}'s dhcpd does not run", problem)
    return pending(f"{called}'s dhcpd is starting")


def _in_duty(called: str, duty: Duty, service: ServiceView | None) -> Outcome:
    running = service.running.duty if service else Duty.OFF
    if running is not duty:
        return pending(f"{called} is {running.value} and becomes {duty.value}")
    if service and service.running.paired and service.state is not PeerState.NORMAL:
        return pending(f"{called} is in failover state {service.state.value}")
    return RUNNING


def _service(vlan: VlanRow, rack: RackView) -> ServiceView | None:
    return next((service for service in rack.services if service.vlan == vlan.id), None)


def pending(reason: str) -> Outcome:
    """Say what is waited for."""
    return Outcome(Standing.PENDING, reason)
